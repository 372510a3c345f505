#!/bin/sh
# Starts a program as a container would: `container.sh ROOT USR ro|rw [SOURCE TARGET ro|rw]... -- PROGRAM [WORD]...`.
# It runs as root inside of `unshare --mount --pid --fork`, so the program is PID 1 and sees only ROOT. /usr and /etc are those of
# this machine, with the files of the folder USR on top of /usr.
set -eu
root=$1 usr=$2 mode=$3
shift 3
mount --make-rprivate /
mount --bind "$root" "$root"
mount -t overlay overlay -o "ro,lowerdir=$usr:/usr" "$root/usr"
mount --bind /etc "$root/etc"
mount -o remount,bind,ro "$root/etc"
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
while [ "$1" != -- ]; do
  mount --bind "$1" "$root$2"
  [ "$3" = rw ] || mount -o remount,bind,ro "$root$2"
  shift 3
done
shift
[ "$mode" = rw ] || mount -o remount,bind,ro "$root"
exec chroot "$root" "$@"
