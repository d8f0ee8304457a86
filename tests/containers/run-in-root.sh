#!/usr/bin/env bash
# What `docker run --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges --network host` does, with
# util-linux alone, for machines without a container engine. Called by run-container.ts as process 1 of new process and
# mount namespaces:
#
#   run-in-root.sh ROOT USER GROUP WORKING_FOLDER [--mount FROM:TO:ro|rw]... -- PROGRAM [ARGUMENT]...
#
# Needs root; the environment is the program's.
set -euo pipefail
root=$1 user=$2 group=$3 folder=$4
shift 4

mount --make-rprivate /
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
# What an engine lays over the image, each on its own and nothing of the machine but a few devices.
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$root/tmp"
mount -t tmpfs -o mode=755,nosuid,nodev tmpfs "$root/run"
mount -t tmpfs -o mode=755,nosuid tmpfs "$root/dev"
mkdir "$root/dev/shm"
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$root/dev/shm"
for device in null zero random urandom; do
  touch "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
while [ "$1" != -- ]; do
  IFS=: read -r from to access <<<"$2"
  if [ ! -e "$root$to" ]; then
    if [ -d "$from" ]; then mkdir -p "$root$to"; else mkdir -p "$(dirname "$root$to")" && touch "$root$to"; fi
  fi
  mount --bind "$from" "$root$to"
  [ "$access" = rw ] || mount -o remount,bind,ro "$root$to"
  shift 2
done
shift
# The PATH is the image's.
exec /usr/sbin/chroot "$root" setpriv --reuid "$user" --regid "$group" --clear-groups --bounding-set -all --inh-caps -all \
  --no-new-privs -- env --chdir="$folder" "$@"
