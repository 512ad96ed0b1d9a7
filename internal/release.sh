#!/usr/bin/env bash
# Makes what a release consists of, in dist/: a binary for each platform and the list of all that is in it (SBOM), the image
# for both architectures, what has changed, and the checksums. Nothing is published, and the same commit makes the same bytes.
#
#   VERSION=v1.2.3 internal/release.sh
#
# TARGETS may name fewer platforms. The image needs Docker with buildx, or buildah; where neither is, it is left out, and that
# is said.
set -euo pipefail
cd "$(dirname "$0")/.."

sbom_tool=github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0
tools=${XDG_CACHE_HOME:-$HOME/.cache}/osp/${sbom_tool##*/} # built once, outside of the tree
targets=${TARGETS:-linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64}
platforms=linux/amd64,linux/arm64

VERSION=${VERSION:-$(git describe --tags --always --dirty)}
COMMIT=$(git rev-parse HEAD)
DATE=$(TZ=UTC git log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd)
export VERSION COMMIT DATE CGO_ENABLED=0

say() { printf '%4ds  %s\n' "$SECONDS" "$*"; }

binaries() {
	local target os arch file
	for target in $targets; do
		os=${target%/*} arch=${target#*/}
		file=dist/osp_${VERSION}_${os}_${arch}
		[ "$os" != windows ] || file+=.exe
		GOOS=$os GOARCH=$arch internal/build.sh build -o "$file" ./cmd/osp
		say "$file, $(wc -c <"$file") bytes"
	done
}

# What is in a binary, as the binary itself says.
sboms() {
	local tool=$tools/cyclonedx-gomod file
	[ -x "$tool" ] || GOFLAGS='' GOBIN=$tools go install "$sbom_tool"
	for file in dist/osp_*; do
		case "$file" in *.md) continue ;; esac
		"$tool" bin -json -std -noserial -version "$VERSION" -output "$file.cdx.json" "$file"
		sed -i "s/\"timestamp\": \"[^\"]*\"/\"timestamp\": \"$DATE\"/" "$file.cdx.json" # else no two would be the same
		say "$file.cdx.json, $(grep -c '"purl"' "$file.cdx.json") components"
	done
}

# The section of this version; before there is one, what is not released yet.
changelog() {
	local file=dist/osp_${VERSION}_changes.md
	for heading in "${VERSION#v}" Unreleased; do
		awk -v heading="## [$heading]" 'index($0, "## [") == 1 { on = index($0, heading) == 1 } on' CHANGELOG.md >"$file"
		[ ! -s "$file" ] || break
	done
	[ -s "$file" ] || {
		echo "release: CHANGELOG.md has no section for $VERSION" >&2
		exit 1
	}
	say "$file: $(head -n 1 "$file")"
}

image() {
	local file=dist/osp_${VERSION}_image.oci.tar
	local arguments=(--platform "$platforms" --build-arg "VERSION=$VERSION" --build-arg "COMMIT=$COMMIT" --build-arg "DATE=$DATE")
	if docker buildx version >/dev/null 2>&1 && docker info >/dev/null 2>&1; then
		docker buildx build "${arguments[@]}" --provenance=false --output "type=oci,dest=$file" .
	elif command -v buildah >/dev/null; then
		buildah build "${arguments[@]}" --format oci --timestamp 0 --manifest "osp:$VERSION" .
		buildah manifest push --all "osp:$VERSION" "oci-archive:$file"
	else
		say 'no image: neither Docker with buildx nor buildah is here'
		return
	fi
	say "$file, for $platforms"
}

rm -rf dist
mkdir dist
changelog
binaries
sboms
image
(cd dist && sha256sum osp_* >SHA256SUMS)
say "dist/SHA256SUMS, $(wc -l <dist/SHA256SUMS) files"
