#!/bin/bash
# The life of the Debian package on a machine of its own: / below an overlay, in namespaces.
#   package.sh OLD.deb NEW.deb
# Called again with "inside" in front when that is made.
set -euo pipefail

say() { echo "package: $*"; }
die() { say "$*"; exit 1; }

if [ "${1-}" != inside ]; then
  [ $# = 2 ] || die "want two packages"
  exec unshare --mount --pid --net --ipc --uts --fork --mount-proc "$0" inside "$@"
fi
shift
layer=$(mktemp -d)
mount -t tmpfs none "$layer"
mkdir "$layer/upper" "$layer/work" "$layer/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$layer/upper,workdir=$layer/work" "$layer/root"
mount -t proc proc "$layer/root/proc"
mount -t tmpfs none "$layer/root/tmp"
mount --rbind /dev "$layer/root/dev"
rm -rf "$layer/root/run/systemd" # no service manager runs in there
cp "$1" "$layer/root/tmp/old.deb"
cp "$2" "$layer/root/tmp/new.deb"
ip link set lo up
box() { chroot "$layer/root" "$@"; }

[ ! -e "$layer/root/etc/pumpd" ] || die "the machine has a /etc/pumpd already"
box dpkg -i /tmp/old.deb
box id pumpd
[ "$(box stat -c '%U:%G %a' /etc/pumpd/pump.toml)" = "root:pumpd 640" ] || die "the configuration may be read by others"
box pumpd -version
box runuser -u pumpd -- pumpd -t -c /etc/pumpd/pump.toml
box man -w pumpd pump.toml >/dev/null 2>&1 || box sh -c 'ls /usr/share/man/man8/pumpd.8.gz /usr/share/man/man5/pump.toml.5.gz'

# It plays, as the user that it has.
box runuser -u pumpd -- pumpd -c /etc/pumpd/pump.toml >"$layer/log" 2>&1 &
for i in $(seq 100); do
  box pumpd doctor -for 1s mmsh://127.0.0.1:8086/streams/demo >"$layer/doctor" && break
  [ "$i" -lt 100 ] || die "it does not play: $(cat "$layer/log" "$layer/doctor")"
  sleep 0.1
done
# Its log is rotated by what the package has for that.
if box sh -c 'command -v logrotate' >/dev/null; then
  box pkill -x pumpd
  wait || die "it ends with an error: $(cat "$layer/log")"
  box install -d -o pumpd -g pumpd /var/log/pumpd
  box sed -i 's|^access_log = .*|access_log = "/var/log/pumpd/access.log"|' /etc/pumpd/pump.toml
  box runuser -u pumpd -- pumpd -c /etc/pumpd/pump.toml >"$layer/log" 2>&1 &
  lines() { box sh -c "cat /var/log/pumpd/$1 2>/dev/null | wc -l"; }
  for i in $(seq 100); do
    box pumpd doctor -for 1s mmsh://127.0.0.1:8086/streams/demo >"$layer/doctor" && [ "$(lines access.log)" -gt 0 ] && break
    [ "$i" -lt 100 ] || die "nobody is in the access log: $(cat "$layer/log" "$layer/doctor")"
    sleep 0.1
  done
  box logrotate -f /etc/logrotate.d/pumpd
  for i in $(seq 100); do
    [ -e "$layer/root/var/log/pumpd/access.log" ] && break
    [ "$i" -lt 100 ] || die "the access log is not there again: $(cat "$layer/log")"
    sleep 0.1
  done
  box pumpd doctor -for 1s mmsh://127.0.0.1:8086/streams/demo >"$layer/doctor"
  [ "$(lines access.log.1)" -gt 0 ] || die "the rotated log is empty"
fi
box pkill -x pumpd
wait || die "it ends with an error: $(cat "$layer/log")"

# Where a service manager runs it, here one that only remembers what it was asked for, the new program takes over from the
# one that runs, while somebody watches on.
box mkdir -p /run/systemd/system /usr/local/bin
printf '#!/bin/sh\necho "$*" >>/tmp/asked\n' >"$layer/root/usr/local/bin/systemctl"
chmod 755 "$layer/root/usr/local/bin/systemctl"
export PATH=/usr/local/bin:$PATH
restarted() { grep -q try-restart "$layer/root/tmp/asked"; }
box runuser -u pumpd -- pumpd -c /etc/pumpd/pump.toml >"$layer/log" 2>&1 &
for i in $(seq 100); do
  box pumpd doctor -for 1s mmsh://127.0.0.1:8086/streams/demo >"$layer/doctor" && break
  [ "$i" -lt 100 ] || die "it does not play: $(cat "$layer/log" "$layer/doctor")"
  sleep 0.1
done
old=$(box pgrep -x pumpd)
box pumpd doctor -for 10s mmsh://127.0.0.1:8086/streams/demo >"$layer/doctor" &
doctor=$!
# An upgrade leaves what the operator has changed as it is, and asks nothing.
box sed -i 's/^merge = .*/merge = "100ms"/' /etc/pumpd/pump.toml
box dpkg -i /tmp/new.deb </dev/null
wait "$doctor" || die "who watched has noticed: $(cat "$layer/doctor" "$layer/log")"
new=$(box pgrep -x pumpd)
[ -n "$new" ] && [ "$new" != "$old" ] && ! restarted || die "process $new after $old: $(cat "$layer/log" "$layer/root/tmp/asked")"
# One whose configuration the new program would not take runs on.
box cp -p /etc/pumpd/pump.toml /tmp/good.toml
echo '[wrong' >>"$layer/root/etc/pumpd/pump.toml"
box dpkg -i /tmp/new.deb </dev/null 2>"$layer/refused"
[ "$(box pgrep -x pumpd)" = "$new" ] && ! restarted && grep -q "runs on" "$layer/refused" || die "it does not run on: $(cat "$layer/refused")"
box cp -p /tmp/good.toml /etc/pumpd/pump.toml
# One that cannot be asked is started anew.
box pkill -x pumpd
wait || die "it ends with an error: $(cat "$layer/log")"
box dpkg -i /tmp/new.deb </dev/null
restarted || die "it is not started anew: $(cat "$layer/root/tmp/asked")"
rm -rf "$layer/root/run/systemd"
box grep -q '^merge = "100ms"' /etc/pumpd/pump.toml || die "the upgrade has changed the configuration"
box pumpd -t -c /etc/pumpd/pump.toml

box dpkg -r pumpd
[ ! -e "$layer/root/usr/bin/pumpd" ] || die "removed, and the program is there"
[ -e "$layer/root/etc/pumpd/pump.toml" ] || die "removed, and the configuration is not there"
box mkdir -p /var/lib/pumpd
box dpkg -P pumpd
for left in /etc/pumpd /etc/logrotate.d/pumpd /var/lib/pumpd /var/log/pumpd; do
  [ ! -e "$layer/root$left" ] || die "purged, and there is $left"
done
say "installed, played, upgraded, removed, purged"
