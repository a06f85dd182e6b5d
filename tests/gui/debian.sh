#!/bin/sh
# The real Blender on a Debian without a screen, as root:
#   sh tests/gui/debian.sh setup           once: a folder with Debian sid and its Blender, for older Debians have older ones
#   sh tests/gui/debian.sh run COMMAND...  a command in there; the current folder and /tmp are seen, and nothing else
# To be rid of it: rm -rf --one-file-system "$ROOT". No mount outlives a command.
set -eu
ROOT=${DUET_GUI_ROOT:-/opt/duet-gui}
PACKAGES="blender python3-numpy python3-requests python3-zstandard python3-cattr xvfb xdotool imagemagick
  libgl1-mesa-dri libegl-mesa0 ca-certificates"

setup() {
  [ ! -e "$ROOT/.ready" ] || exit 0
  apt-get install -y -qq --no-install-recommends debootstrap
  mirror=$(apt-get indextargets --format '$(REPO_URI) $(CREATED_BY) $(LABEL)' |
    awk '$2 == "Packages" && $3 == "Debian" && NF == 3 {print $1; exit}')
  [ -e "$ROOT/etc/debian_version" ] || debootstrap --variant=minbase --include=ca-certificates sid "$ROOT" "$mirror"
  cp /etc/resolv.conf "$ROOT/etc/resolv.conf"
  { apt-config dump --format '%F "%v";%n' | grep -E '^Acquire::(Check-|Retries|https?::)' || :
    echo 'APT::Install-Recommends "false";'
  } > "$ROOT/etc/apt/apt.conf.d/99duet"
  printf '#!/bin/sh\nexit 101\n' > "$ROOT/usr/sbin/policy-rc.d"  # no service starts
  chmod +x "$ROOT/usr/sbin/policy-rc.d"
  apart 'chroot "$ROOT" apt-get update -qq && chroot "$ROOT" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq '"$(echo $PACKAGES)"
  touch "$ROOT/.ready"
}

# A shell command with mounts and processes of its own, which end with it.
apart() {
  command=$1
  shift
  export ROOT
  unshare --mount --pid --fork --kill-child sh -euc '
    mount -t proc proc "$ROOT/proc"
    mount --rbind /dev "$ROOT/dev"
    mount --bind /tmp "$ROOT/tmp"
    mkdir -p "$ROOT$PWD"
    case $PWD/ in /tmp/*) ;; *) mount --bind "$PWD" "$ROOT$PWD" ;; esac
    '"$command" sh "$@"
}

run() {
  [ -e "$ROOT/.ready" ] || { echo "Blender is not set up: make gui-setup" >&2; exit 1; }
  apart 'exec chroot "$ROOT" env -i -C "$PWD" HOME=/root LANG=C.UTF-8 LIBGL_ALWAYS_SOFTWARE=1 \
    PATH=/usr/local/bin:/usr/bin:/bin "$@"' "$@"
}

command=${1:-}
[ $# -eq 0 ] || shift
case $command in
  setup) setup ;;
  run) run "$@" ;;
  *) sed -n '2,6s/^# //p' "$0"; exit 2 ;;
esac
