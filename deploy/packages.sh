# shellcheck shell=bash
# Finds the programs Muster needs and installs missing ones from the distribution. Sourced by run, test and .ci/run.

if [ -t 2 ]; then BOLD=$'\e[1m' RED=$'\e[31m' GREEN=$'\e[32m' DIM=$'\e[2m' PLAIN=$'\e[0m'; else BOLD='' RED='' GREEN='' DIM='' PLAIN=''; fi
export BOLD RED GREEN DIM PLAIN

say() { printf '%s\n' "${BOLD}==>${PLAIN} $*" >&2; }
note() { printf '%s\n' "    $*" >&2; }
die() {
    printf '%s\n' "${RED}error:${PLAIN} $1" >&2
    shift
    local line
    for line in "$@"; do printf '       %s\n' "$line" >&2; done
    exit 1
}

# Oldest PostgreSQL whose features the migrations may use.
readonly POSTGRES_MINIMUM=15

# Prints the directory holding initdb and postgres, of the given major version, else of the newest installed.
postgres_bin() {
    local wanted=${1:-} dir version best='' best_version=0
    for dir in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /usr/local/pgsql/bin "$(dirname "$(command -v initdb || echo /none/initdb)")"; do
        [ -x "$dir/initdb" ] && [ -x "$dir/postgres" ] || continue
        version=$("$dir/postgres" -V | sed -E 's/[^0-9]*([0-9]+).*/\1/')
        if [ -n "$wanted" ]; then
            [ "$version" = "$wanted" ] && { echo "$dir"; return 0; }
        elif [ "$version" -gt "$best_version" ]; then
            best=$dir best_version=$version
        fi
    done
    [ "$best_version" -ge "$POSTGRES_MINIMUM" ] && echo "$best"
}

# Prints the path of a program; Debian keeps some servers in directories that are not on everybody's PATH.
find_program() {
    local found
    found=$(PATH="$PATH:/usr/sbin:/usr/local/sbin:/sbin" command -v "$1") && echo "$found"
}

# Succeeds when commands can be run as root, without a question if there is no terminal to answer it.
can_be_root() {
    [ "$(id -u)" = 0 ] && return 0
    command -v sudo >/dev/null || return 1
    sudo -n true 2>/dev/null || { [ -t 0 ] && [ -t 2 ]; }
}

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# install_packages PACKAGE…: installs Debian packages without starting the services they contain: Muster runs private
# instances and must not occupy the usual ports behind the owner's back.
install_packages() {
    local by_hand="sudo apt-get update && sudo apt-get install $*"
    command -v apt-get >/dev/null || die "These are missing and this system has no apt-get: $*" "Install them with the system's package manager and start again."
    can_be_root || die "These packages are missing, and installing them needs root: $*" "Run this, then start again:" "  $by_hand"
    say "Installing $*"
    # shellcheck disable=SC2016  # expanded by the inner shell
    as_root env DEBIAN_FRONTEND=noninteractive sh -c '
        policy=/usr/sbin/policy-rc.d
        if [ ! -e $policy ]; then
            trap "rm -f $policy" EXIT INT TERM
            printf "#!/bin/sh\nexit 101\n" > $policy && chmod 755 $policy
        fi
        apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@" >/dev/null' sh "$@" </dev/null >&2 ||
        die "apt-get could not install: $*" "Try it by hand:" "  $by_hand"
}

# require_engines [postgres] [redis] [nats]: makes sure the named servers are installed.
require_engines() {
    local engine missing=()
    for engine in "$@"; do
        case $engine in
        postgres) postgres_bin '' >/dev/null || missing+=(postgresql) ;;
        redis) find_program redis-server >/dev/null || missing+=(redis-server) ;;
        nats) find_program nats-server >/dev/null || missing+=(nats-server) ;;
        esac
    done
    [ ${#missing[@]} -eq 0 ] || install_packages "${missing[@]}"
    case " $* " in *" postgres "*)
        postgres_bin '' >/dev/null || die "PostgreSQL $POSTGRES_MINIMUM or newer is needed; this distribution's package is older." \
            "Install a newer one (see postgresql.org for Debian and Ubuntu packages), or use a server you have: set MUSTER_DATABASE_URL."
        ;;
    esac
}

# Makes sure there is a Rust toolchain and a C compiler (two dependencies contain C).
require_rust() {
    command -v cargo >/dev/null || { [ -x "$HOME/.cargo/bin/cargo" ] && PATH="$HOME/.cargo/bin:$PATH"; }
    command -v cargo >/dev/null || die "Rust is missing." "Install it from https://rustup.rs (or your distribution, if it has 1.95 or newer), then start again."
    local have wanted
    have=$(rustc --version | sed -E 's/^rustc ([0-9]+\.[0-9]+).*/\1/')
    wanted=$(sed -nE 's/^rust-version *= *"([0-9.]+)".*/\1/p' Cargo.toml)
    [ "$(printf '%s\n%s\n' "$wanted" "$have" | sort -V | head -n 1)" = "$wanted" ] ||
        die "Rust $wanted or newer is needed; this is $have." "Update with: rustup update stable"
    command -v cc >/dev/null || install_packages gcc libc6-dev
}
