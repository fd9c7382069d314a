#!/usr/bin/env bash
# Installs what the tests and checks need beside Rust, into .cache/ (ignored by git, removed by `make clean`).
#
#   tests/setup.sh moto         .cache/venv/bin/moto_server: AWS services other than Security Hub; .cache/venv/bin/aws: the AWS CLI
#   tests/setup.sh cargo-deny   .cache/tools/bin/cargo-deny: the dependency policy
#   tests/setup.sh controlplane .cache/controlplane: kube-apiserver, kube-controller-manager, etcd and kubectl, built once by Go
#                               into a cache that outlives the tree; not needed where KUBEBUILDER_ASSETS names a folder of them
#   tests/setup.sh tools        .cache/go-tools: helm, built once by Go into the same cache
#
# Each is done once; a changed version or requirement does it again.
set -euo pipefail

CARGO_DENY_VERSION=0.20.2

cd "$(dirname "$0")/.."
mkdir -p .cache

# done_before NAME CONTENT: whether NAME was installed from exactly this. finish NAME CONTENT: it is now.
done_before() { [[ -f ".cache/$1.stamp" && "$(cat ".cache/$1.stamp")" == "$2" ]]; }
finish() { printf '%s\n' "$2" >".cache/$1.stamp"; }

moto() {
  local python=${PYTHON:-python3} wanted
  wanted=$(cat tests/requirements.txt)
  if done_before moto "$wanted" && [[ -x .cache/venv/bin/moto_server ]]; then return; fi
  if ! "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "tests/setup.sh: needs Python 3.11 or later with venv (Debian and Ubuntu: apt-get install python3-venv)," >&2
    echo "or another interpreter by name: PYTHON=python3.12 make test" >&2
    exit 1
  fi
  echo "tests/setup.sh: installing moto and the AWS CLI into .cache/venv" >&2
  rm -rf .cache/venv
  "$python" -m venv .cache/venv
  .cache/venv/bin/pip install --quiet --disable-pip-version-check --no-deps --requirement tests/requirements.txt
  finish moto "$wanted"
}

cargo_deny() {
  if done_before cargo-deny "$CARGO_DENY_VERSION" && [[ -x .cache/tools/bin/cargo-deny ]]; then return; fi
  echo "tests/setup.sh: building cargo-deny $CARGO_DENY_VERSION into .cache/tools (once, some minutes)" >&2
  # Built for few checks, not for speed: one opt-level and no LTO halve the time.
  cargo install cargo-deny --quiet --locked --version "$CARGO_DENY_VERSION" --root .cache/tools --force \
    --config profile.release.opt-level=1 --config 'profile.release.lto="off"' --config profile.release.debug=false
  finish cargo-deny "$CARGO_DENY_VERSION"
}

# built_by_go NAME LINK: builds what the module tests/NAME names as its tools, once for each content of go.mod and go.sum, with the
# linker's flags $STAMPS; .cache/LINK leads there. $ABOUT says how long it takes.
built_by_go() {
  local name=$1 link=$2 key store work
  key=$(cat "tests/$name/go.mod" "tests/$name/go.sum" | sha256sum | cut -c1-16)
  store=${XDG_CACHE_HOME:-$HOME/.cache}/hubkeeper/$name-$key
  if [[ ! -d $store ]]; then
    if ! command -v go >/dev/null; then
      echo "tests/setup.sh: $name needs Go 1.26 or later$ELSE" >&2
      exit 1
    fi
    echo "tests/setup.sh: building what tests/$name/go.mod names into $store (once, about $ABOUT)" >&2
    mkdir -p "${store%/*}"
    work=$(mktemp -d "$store.XXXXXX")
    (cd "tests/$name" && CGO_ENABLED=0 go build -trimpath -ldflags "$STAMPS" -o "$work/" tool)
    # The main package of etcd is called so.
    if [[ -f $work/server ]]; then mv "$work/server" "$work/etcd"; fi
    # Whoever comes second finds the folder there.
    mv -T "$work" "$store" 2>/dev/null || rm -rf "$work"
  fi
  ln -sfn "$store" ".cache/$link"
}

controlplane() {
  local version=1.37.1 package STAMPS="-s -w" ABOUT="6 minutes" ELSE
  ELSE=", or KUBEBUILDER_ASSETS set to a folder with kube-apiserver, etcd, kube-controller-manager and kubectl"
  if [[ -n "${KUBEBUILDER_ASSETS:-}" ]]; then return; fi
  # Without its version stamped in, kubectl compares no versions.
  for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    STAMPS+=" -X $package.gitVersion=v$version -X $package.gitMajor=1 -X $package.gitMinor=${version:2:2}"
  done
  built_by_go controlplane controlplane
}

tools() {
  local STAMPS="-s -w" ABOUT="1 minute" ELSE=""
  built_by_go tools go-tools
}

for part in "$@"; do
  case $part in
    moto) moto ;;
    cargo-deny) cargo_deny ;;
    controlplane) controlplane ;;
    tools) tools ;;
    *)
      echo "tests/setup.sh: unknown part '$part'; there are: moto, cargo-deny, controlplane, tools" >&2
      exit 2
      ;;
  esac
done
