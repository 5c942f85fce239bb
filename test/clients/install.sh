#!/usr/bin/env bash
# Installs the clients that `make test-clients` runs, as far as they are absent (Debian, as root).
set -euo pipefail

declare -A packages=(
  [aws]=awscli
  [s3cmd]=s3cmd
  [rclone]=rclone
  [curl]=curl
)
missing=()
for command in "${!packages[@]}"; do
  command -v "$command" >/dev/null || missing+=("${packages[$command]}")
done
python3 -c 'import boto3' 2>/dev/null || missing+=(python3-boto3)
[ "${#missing[@]}" -eq 0 ] && exit 0

if [ "$(id -u)" -ne 0 ]; then
  echo "Missing: ${missing[*]}. Install them, or run this as root." >&2
  exit 1
fi
echo "Installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
