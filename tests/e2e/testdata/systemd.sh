#!/bin/bash
# The package under a systemd that is the first process of a machine of its own: / below an overlay, booted by
# systemd-nspawn with no network but its loopback, up to basic.target.
#   systemd.sh OLD.deb NEW.deb BENCH
# Exit code 77: no machine could be booted, and nothing was tested. Called again with "inside" in front when the
# namespaces are made.
set -euo pipefail

say() { echo "systemd: $*"; }
die() { say "$*"; exit 1; }

if [ "${1-}" != inside ]; then
  [ $# = 3 ] || die "want two packages and bench"
  exec unshare --mount --pid --fork --kill-child --mount-proc "$0" inside "$@"
fi
shift
layer=$(mktemp -d)
mount -t tmpfs none "$layer"
mkdir "$layer/upper" "$layer/work" "$layer/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$layer/upper,workdir=$layer/work" "$layer/root"
[ ! -e "$layer/root/etc/pumpd" ] || die "the machine has a /etc/pumpd already"

# Without a cgroup of its own its services would be in those of the machine that this runs on, or of another such test.
cgroups=
for hierarchy in /sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/systemd; do
  [ -e "$hierarchy/cgroup.procs" ] || continue
  mkdir "$hierarchy/pumpd-test-$(basename "$layer")" || exit 77
  cgroups+=" $hierarchy/pumpd-test-$(basename "$layer")"
done
boot() {
  for group in $cgroups; do echo $BASHPID > "$group/cgroup.procs"; done
  exec systemd-nspawn -q --boot --register=no --keep-unit --private-network --console=pipe -D "$layer/root" \
    --bind-ro="$1:/opt/old.deb" --bind-ro="$2:/opt/new.deb" --bind-ro="$3:/opt/bench" \
    systemd.unit=basic.target systemd.unified_cgroup_hierarchy=1
}
boot "$@" </dev/null >"$layer/console" 2>&1 &
spawn=$!
finish() {
  box systemctl poweroff --force --force >/dev/null 2>&1 || kill $spawn 2>/dev/null || true
  wait $spawn || true
  for group in $cgroups; do find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || true; done
}
trap finish EXIT

box() {
  nsenter -t "$(pgrep -P $spawn | head -1)" -m -u -i -n -p -C -r -w env -i \
    PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 SYSTEMD_PAGER= "$@"
}
# await WHAT COMMAND…: waits until a command succeeds, on a machine that may have much else to do.
await() {
  local end=$((SECONDS + 60)) what=$1
  shift
  until "$@" >"$layer/last" 2>&1; do
    [ $SECONDS -lt $end ] || die "never: $what: $(tail -n 5 "$layer/last"; box journalctl -u pumpd -o cat -n 30)"
    sleep 0.1
  done
}
for i in $(seq 300); do
  [ -d "/proc/$spawn" ] && ! box systemctl is-active basic.target >/dev/null 2>&1 || break
  sleep 0.1
done
box systemctl is-active basic.target >/dev/null || { cat "$layer/console"; exit 77; }
property() { box systemctl show pumpd -p "$1" --value; }
says() { property StatusText | grep -q "$1"; }
plays() { box pumpd doctor -for 1s mmsh://127.0.0.1:8086/streams/demo; }
journal() { box journalctl -u pumpd -o cat | grep "$1" >/dev/null; } # with -q grep would end before journalctl has
edit() { box sed -i "$1" /etc/pumpd/pump.toml; }

# What docs/install.md has an operator do.
box dpkg -i /opt/old.deb
[ "$(box systemctl is-enabled pumpd || true)" = disabled ] || die "a first installation enables it"
[ "$(property ActiveState)" = inactive ] || die "a first installation starts it"
edit 's|^push_users = .*|push_users = ["encoder:another-secret"]|'
edit 's|^access_log = .*|access_log = "/var/log/pumpd/access.log"|; s|^drain = .*|drain = "8s"|'
box pumpd -t -c /etc/pumpd/pump.toml
box systemctl enable --now pumpd
await "it plays" plays
await "the status says so" says '^1 of 3 streams live, [0-9]* viewers$'
await "the journal has it" journal 'msg=listening'
! journal '^Try it' || die "the journal has what is for a terminal"

exposure=$(box systemd-analyze security pumpd | sed -n 's/^→ Overall exposure level for .*: \([0-9.]*\).*/\1/p')
say "exposure $exposure"
[ "$(echo "$exposure" | tr -d .)" -le 20 ] || die "systemd-analyze security: $exposure, want at most 2.0"

# A reload, while viewers watch who check everything.
stream=127.0.0.1:8086/streams/pushed_video
box systemd-run -q --unit=encoder /opt/bench push -synthetic -bitrate 300k -duration 1h -retry 1h \
  http://encoder:another-secret@${stream}_push
await "the encoder is in" says '^2 of 3 streams live'
box systemd-run -q --unit=viewers -p RemainAfterExit=yes /opt/bench load -n 100 -sample 100 -duration 10s -quiet \
  mmsh://$stream
await "the viewers are in" says ' 100 viewers$'
pid=$(property MainPID)
edit 's|^max_connections = .*|max_connections = 5000|'
box systemctl reload pumpd
await "it was reloaded" journal 'msg=reloaded .*server.max_connections'
edit 's|^max_connections = .*|max_connections = "some"|'
! box systemctl reload pumpd 2>"$layer/last" || die "systemctl reload takes a bad file"
await "the status has that" says 'the last reload was refused'
edit 's|^max_connections = .*|max_connections = 0|'
box systemctl reload pumpd
await "the status is well again" says 'viewers$'
through() { [ "$(box systemctl show viewers -p SubState --value)" != running ]; }
await "the viewers are through" through
[ "$(box systemctl show viewers -p Result --value)" = success ] ||
  die "viewers noticed: $(box journalctl -u viewers -o cat)"

box logrotate -f /etc/logrotate.d/pumpd
await "the access log is there again" box test -e /var/log/pumpd/access.log
lines=$(box grep -c '' /var/log/pumpd/access.log.1)
[ "$lines" -ge 100 ] || die "the rotated log has $lines lines, want one of each viewer"
[ "$(property MainPID)" = "$pid" ] || die "all that was another process"

# The watchdog: what does not turn is ended, and started anew.
box mkdir -p /run/systemd/system/pumpd.service.d
setting() { # of the unit, in place of the last one
  printf '[Service]\n%s\n' "$1" | box tee /run/systemd/system/pumpd.service.d/test.conf >/dev/null
  box systemctl daemon-reload
}
setting WatchdogSec=3s
box systemctl restart pumpd
await "it plays" plays
box systemctl kill --kill-who=main --signal=STOP pumpd
anew() { [ "$(property NRestarts)" = 1 ]; }
await "it was started anew" anew
await "for the watchdog" journal "Failed with result 'watchdog'"
await "it plays again" plays

# An upgrade leaves it running, with the new program, and the configuration as it is; nor does anybody notice that one, nor
# a reload that makes other loops.
await "the encoder is in again" says '^2 of 3 streams live'
box systemctl reset-failed viewers 2>/dev/null || true
box systemctl stop viewers
box systemd-run -q --unit=viewers -p RemainAfterExit=yes /opt/bench load -n 100 -sample 100 -duration 10m -quiet \
  mmsh://$stream
await "the viewers are in" says ' 100 viewers$'
pid=$(property MainPID)
box dpkg -i /opt/new.deb </dev/null
await "it plays after the upgrade" plays
replaced() { [ "$(property MainPID)" != "$pid" ]; }
await "another process is the main one" replaced
pid=$(property MainPID)
edit 's|^loops = .*|loops = 3|'
box systemctl reload pumpd
await "the reload was an upgrade" replaced
await "it plays after that" plays
[ "$(property NRestarts)" = 1 ] || die "it was started anew"
box systemctl kill --kill-who=main --signal=INT viewers
await "the viewers are through" through
[ "$(box systemctl show viewers -p Result --value)" = success ] ||
  die "viewers noticed: $(box journalctl -u viewers -o cat)"
# The old program's file is "/usr/bin/pumpd (deleted)".
[ "$(box readlink "/proc/$(property MainPID)/exe")" = /usr/bin/pumpd ] || die "it runs the old program"
box grep -q another-secret /etc/pumpd/pump.toml || die "the upgrade has changed the configuration"

# A drain takes as long as drain says, though that is more than the unit's TimeoutStopSec.
setting TimeoutStopSec=1s
box systemd-run -q --unit=last /opt/bench load -n 50 -sample 50 -duration 1h -quiet mmsh://$stream
await "the viewers are in" says ' 50 viewers$'
began=$(date +%s%N)
box systemctl stop pumpd &
await "the status says that it drains" says '^draining'
wait $!
took=$((($(date +%s%N) - began) / 1000000))
say "stopped in $took ms"
[ "$(property Result)" = success ] || die "stopped by force: $(box journalctl -u pumpd -o cat -n 20)"
[ $took -ge 3000 ] || die "the drain took no time"
[ "$(box grep -c reason=shutting_down /var/log/pumpd/access.log)" -ge 50 ] || die "not all viewers were told"

box systemctl start pumpd
box dpkg -P pumpd
[ "$(property LoadState)" = not-found ] || die "purged, and there is a unit"
! box pgrep -x pumpd || die "purged, and it runs"
for left in /etc/pumpd /etc/logrotate.d/pumpd /var/lib/pumpd /var/log/pumpd; do
  ! box test -e "$left" || die "purged, and there is $left"
done
say "installed, started, reloaded, rotated, stuck, upgraded, drained, purged"
