#!/bin/busybox sh
# The first process of the virtual machine, from the initramfs: mounts the host's files under a layer of its own, brings
# the devices up, and hands over to what was asked for.
export PATH=/bin
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
while read -r module; do insmod "/modules/$module"; done < /modules/order

share() { mount -t 9p -o "trans=virtio,version=9p2000.L,msize=512000,$3" "$1" "$2"; }
mkdir -p /host /layer /new
share root /host ro,cache=loose
mount -t tmpfs layer /layer
mkdir /layer/upper /layer/work
mount -t overlay -o lowerdir=/host,upperdir=/layer/upper,workdir=/layer/work overlay /new

# Unix sockets cannot be bound on the overlay: what runs here works on tmpfs.
for place in proc sys dev run; do mkdir -p /new/$place; done
mount -t proc proc /new/proc
mount -t sysfs sys /new/sys
mount -t devtmpfs dev /new/dev
mkdir -p /new/dev/pts /new/dev/shm
mount -t devpts devpts /new/dev/pts
mount -t tmpfs shm /new/dev/shm
mount -t tmpfs -o size=75% run /new/run
mkdir /new/run/out
share out /new/run/out rw
cp /bin/busybox /new/run/busybox
exec switch_root /new /bin/sh /run/out/inside
