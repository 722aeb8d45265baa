# What runs in the virtual machine once the host's files are there. `settings` of machine.py puts its lines in front of these.
busybox=/run/busybox
mkdir /run/bin /run/tmp /run/home /run/tree
$busybox --install -s /run/bin
export PATH="$(dirname "$PYTHON"):/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/run/bin"

# The kernel loads a family's module when a program first asks for the family, by this program:
mkdir -p /lib/modules
mount --bind "$MODULES" /lib/modules
printf '#!/run/busybox sh\nexec /run/busybox modprobe "$@"\n' > /run/modprobe
chmod +x /run/modprobe
echo /run/modprobe > /proc/sys/kernel/modprobe
for module in $LOAD; do $busybox modprobe "$module" || echo "no module $module" > /dev/console; done

$busybox hostname litsock
$busybox ip link set lo up
$busybox ip link add vcan0 type vcan && $busybox ip link set vcan0 up
echo '0 2147483647' > /proc/sys/net/ipv4/ping_group_range

cd /run/tree
tar -xf /run/out/tree.tar
export HOME=/run/home TMPDIR=/run/tmp PYTHONPATH=/run/tree LITSOCK_VM=1 LANG=C.UTF-8
export JUPYTER_RUNTIME_DIR=/run/tmp/jupyter IPYTHONDIR=/run/tmp/ipython
# What is printed goes through a terminal if there is one at the other end, and through a plain port if not.
if [ -n "$TERMINAL" ]; then output=/dev/hvc0; else output=$(echo /dev/vport*p1); fi
exec < /dev/null > "$output" 2>&1
if [ -n "$TERMINAL" ]; then stty -opost -echo $TERMINAL <&1; export TERM=xterm; fi
echo "== up after $(cut -d. -f1 /proc/uptime) s"
eval "$COMMAND"
echo $? > /run/out/status
sync
$busybox poweroff -f
