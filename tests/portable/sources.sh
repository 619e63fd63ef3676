#!/bin/bash
# sources.sh FOLDER: Debian's sources of zstd, zlib and musl, unpacked in FOLDER/zstd, FOLDER/zlib and
# FOLDER/musl: not every target has these libraries as packages. The machine's own lists of
# packages stay as they are.
set -euo pipefail
[ ! -e "$1/ready" ] || exit 0
mkdir -p "$1/apt/lists/partial"
cd "$1"
for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
	[ -e "$list" ] || continue
	sed -n 's/^deb /deb-src /p' "$list" >"apt/$(basename "$list" .list).list"
done
for list in /etc/apt/sources.list.d/*.sources; do
	[ -e "$list" ] || continue
	sed 's/^Types:.*/Types: deb-src/' "$list" >"apt/$(basename "$list")"
done
cat >apt/apt.conf <<EOF
Dir::Etc::SourceList "/dev/null";
Dir::Etc::SourceParts "$PWD/apt";
Dir::State::Lists "$PWD/apt/lists";
Dir::Cache "$PWD/apt";
APT::Sandbox::User "";
EOF
export APT_CONFIG=$PWD/apt/apt.conf
log=$PWD/apt/log
if ! { apt-get update -q && apt-get source -q --download-only libzstd zlib musl; } >"$log" 2>&1; then
	tail -n 20 "$log" >&2
	echo "sources.sh: no sources from this machine's package mirror" >&2
	exit 1
fi
for package in libzstd zlib musl; do
	folder=${package/#libzstd/zstd}
	rm -rf "$folder"
	dpkg-source --no-check -x ${package}_*.dsc "$folder" >"$log" 2>&1
done
rm -rf apt ./*.tar.* ./*.dsc
touch ready
