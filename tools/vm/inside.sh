# What runs in the virtual machine once the host's files are there. The lines in front of these set TREE, PYTHON and COMMAND.
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
for module in $LOAD; do $busybox modprobe "$module" || echo "no module $module"; done > /run/out/modules 2>&1

$busybox hostname litsock
$busybox ip link set lo up
$busybox ip link add vcan0 type vcan && $busybox ip link set vcan0 up
echo '0 2147483647' > /proc/sys/net/ipv4/ping_group_range

cd /run/tree
(cd "$TREE" && tar -cf - --exclude=./.venv --exclude=./.git --exclude=./build --exclude=__pycache__ .) | tar -xf -
export HOME=/run/home TMPDIR=/run/tmp PYTHONPATH=/run/tree PYTHONDONTWRITEBYTECODE=1 LITSOCK_VM=1
export JUPYTER_RUNTIME_DIR=/run/tmp/jupyter IPYTHONDIR=/run/tmp/ipython LANG=C.UTF-8
output=$(echo /dev/vport*)
echo "== up after $(cut -d. -f1 /proc/uptime) s" > "$output"
{ eval "$COMMAND"; echo $? > /run/out/status; } < /dev/null > "$output" 2>&1
sync
$busybox poweroff -f
