#!/bin/bash
# fresh.sh [FOLDER]: clones this repository's HEAD into a bare Debian 12 that debootstrap makes in FOLDER
# (default: a new one in /var/tmp) and runs there, exactly as the README prints them, the commands
# between <!-- fresh --> marks. Needs root, debootstrap, and the package mirror that this machine uses.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
[ "$(id -u)" = 0 ] || { echo "fresh.sh: needs root (debootstrap, chroot)" >&2; exit 1; }
command -v debootstrap >/dev/null || apt-get install -q -y debootstrap >/dev/null

if [ $# -gt 0 ]; then
	root=$1
	mkdir -p "$root"
else
	root=$(mktemp -d /var/tmp/rill-fresh-XXXXXX)
	trap 'rm -rf --one-file-system "$root"' EXIT
fi
mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
	sed -n 's/^URIs: *//p; s/^deb \(\[.*\] \)\{0,1\}\([^ ]*\) .*/\2/p' | head -n 1) || true
[ -n "$mirror" ] || { echo "fresh.sh: no package mirror in /etc/apt" >&2; exit 1; }

echo "== debootstrap: a base system and nothing else"
debootstrap --variant=minbase bookworm "$root" "$mirror" >"$root.log" 2>&1 ||
	{ tail -n 20 "$root.log"; exit 1; }
rm -f "$root.log"
# The machine's own way to its packages: mirror, keys, proxy.
rm -f "$root"/etc/apt/sources.list
cp -r /etc/apt/. "$root/etc/apt/"
cp /etc/resolv.conf /etc/hosts "$root/etc/"
extra_ca=
if [ -n "${NODE_EXTRA_CA_CERTS:-}" ]; then
	cp "$NODE_EXTRA_CA_CERTS" "$root/root/extra-ca.crt"
	extra_ca=NODE_EXTRA_CA_CERTS=/root/extra-ca.crt
fi
git clone -q "$here" "$root/root/rill"

mapfile -t commands < <(sed -n '/<!-- fresh -->/,/<!-- end -->/p' "$here/README.md" | sed -n 's/^    //p')
[ "${#commands[@]}" = 2 ] || { echo "fresh.sh: README.md has not two commands" >&2; exit 1; }

for command in "${commands[@]}"; do
	echo "== $command"
	start=$(date +%s)
	unshare --mount --pid --fork --mount-proc="$root/proc" bash -eu -c '
		root=$1 command=$2
		mount --bind /dev "$root/dev"
		mount -t tmpfs tmpfs "$root/dev/shm"
		mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
		mount --bind "$root/dev/pts/ptmx" "$root/dev/ptmx"
		mount -t sysfs sysfs "$root/sys" 2>/dev/null || true
		exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
			LANG=C.UTF-8 TERM=dumb $3 chroot "$root" sh -c "cd /root/rill && $command"
	' fresh "$root" "$command" "$extra_ca" </dev/null
	echo "== done in $(($(date +%s) - start)) s"
done
