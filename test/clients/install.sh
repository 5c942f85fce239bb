#!/usr/bin/env bash
# Installs the clients that `make test-clients` runs, as far as they are absent: from Debian (as
# root), and with Go into a cache outside the repository where there is a Go.
set -euo pipefail

install_from_debian() {
  declare -A packages=(
    [aws]=awscli
    [s3cmd]=s3cmd
    [rclone]=rclone
    [curl]=curl
    [restic]=restic
    [s3fs]=s3fs
    [fusermount3]=fuse3
  )
  missing=()
  for command in "${!packages[@]}"; do
    command -v "$command" >/dev/null || missing+=("${packages[$command]}")
  done
  python3 -c 'import boto3' 2>/dev/null || missing+=(python3-boto3)
  [ "${#missing[@]}" -eq 0 ] && return

  if [ "$(id -u)" -ne 0 ]; then
    echo "Missing: ${missing[*]}. Install them, or run this as root." >&2
    exit 1
  fi
  echo "Installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  # One by one: a package that a mirror lacks must not keep the others away; its suite says so.
  for package in "${missing[@]}"; do
    if ! apt-get install -y -qq --no-install-recommends "$package" >/dev/null; then
      echo "$package could not be installed" >&2
    fi
  done
}

# The benchmarks are a bonus: without Go, or where its proxy does not have them, their suites say
# so and are skipped. `benchmarks.test.ts` looks in the same folder.
install_with_go() {
  local cache="${XDG_CACHE_HOME:-$HOME/.cache}/s3ish-clients"
  command -v go >/dev/null || return 0
  mkdir -p "$cache"
  for module in github.com/minio/warp github.com/wasabi-tech/s3-benchmark; do
    local name="${module##*/}"
    [ -x "$cache/$name" ] && continue
    echo "Installing $name with Go"
    if ! GOBIN="$cache" timeout 300 go install "$module@latest" >"$cache/$name.log" 2>&1; then
      echo "$name could not be installed: see $cache/$name.log"
    fi
  done
}

install_from_debian
install_with_go
