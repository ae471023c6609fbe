#!/usr/bin/env bash
# Generates the locks from the requirements, or checks them:
#   installation/lock.sh write [--upgrade]    keeps versions, unless --upgrade is given
#   installation/lock.sh check
set -euo pipefail
cd -P "$(dirname "$0")/.."
source installation/python.sh

readonly UV_VERSION=0.13.9
readonly LOCKS=installation/locks TOOLS=$PWD/build/uv
readonly PYTHONS="3.11.0 3.12.0 3.13.0"
# The platforms that the project runs on, by uv's names; CI's first.
readonly PLATFORMS="x86_64-manylinux_2_28 aarch64-manylinux_2_28 aarch64-apple-darwin"

export UV_PYTHON_DOWNLOADS=never

install_uv() {
  if [ "$("$TOOLS/bin/uv" --version 2>/dev/null | cut -d' ' -f2)" != "$UV_VERSION" ]; then
    "$(find_python)" -m venv --clear "$TOOLS"
    "$TOOLS/bin/python" -m pip --disable-pip-version-check install --quiet "uv==$UV_VERSION"
  fi
}

# Writes lock $1 from requirements $2, with more options for uv. It keeps the locked versions.
compile() {
  local lock=$1 requirements=$2
  shift 2
  "$TOOLS/bin/uv" pip compile --quiet "$requirements" --output-file "$LOCKS/$lock.txt" \
    --generate-hashes --universal --python-version "${PYTHONS%% *}" --fork-strategy fewest \
    --no-emit-package bionemo-on-eks --custom-compile-command "make lock" "$@"
}

# Writes the training's lock: versions only, because PyTorch's CPU and CUDA builds have different
# hashes, and without what only the CUDA build needs, which that build pins itself.
compile_training() {
  local lock=$LOCKS/training.txt
  "$TOOLS/bin/uv" pip compile --quiet requirements-training.txt --output-file "$lock" \
    --universal --python-version "${PYTHONS%% *}" --fork-strategy fewest --no-annotate \
    --custom-compile-command "make lock" "$@"
  grep -vE '^(nvidia|cuda|triton)' "$lock" >"$lock.partial"
  mv "$lock.partial" "$lock"
}

# The one that includes all others comes first and decides their versions.
compile_all() {
  compile development requirements-dev.txt "$@"
  compile rehearsal requirements-rehearsal.txt --constraints "$LOCKS/development.txt"
  compile deployment requirements.txt --constraints "$LOCKS/development.txt"
  compile_training "$@"
}

# Prints how lock $1 differs from lock $2, except for files that only $2 has; fails if there is no
# difference.
differences() {
  { diff <(sed 's/ \\$//' "$1") <(sed 's/ \\$//' "$2") || true; } | grep -E '^<|^> *[^- ]'
}

# Fails unless the locks are what the requirements and the registry's hashes result in. Later
# additions to a registry change nothing: versions are those of the locks or the requirements, and
# additional files are left out.
check_up_to_date() {
  local copy lock
  copy=$(mktemp -d)
  # Expand the path now.
  # shellcheck disable=SC2064
  trap "rm -rf '$copy'" EXIT
  mkdir -p "$copy/$LOCKS"
  cp requirements*.txt pyproject.toml README.md "$copy"
  for lock in "$LOCKS"/*.txt; do
    # Without hashes, which uv would copy. What is left is `name==version \`.
    sed -e '/^    --hash=/d' -e 's/ \\$//' "$lock" >"$copy/$lock"
  done
  (cd "$copy" && compile_all)
  for lock in "$LOCKS"/*.txt; do
    if differences "$lock" "$copy/$lock" >&2; then
      fail "$lock does not follow from the requirements; the lines above differ (<: the lock's)." \
        "Run make lock."
    fi
  done
}

# Fails unless lock $1 can be installed by Python $2 on platform $3, with more options for uv.
resolve() {
  local lock=$1 python=$2 platform=$3
  shift 3
  "$TOOLS/bin/uv" pip install --quiet --dry-run --require-hashes --requirement "$LOCKS/$lock.txt" \
    --python-version "$python" --python-platform "$platform" --target "$TOOLS/nothing" "$@" ||
    fail "$LOCKS/$lock.txt cannot be installed by Python $python on $platform; uv says why above."
}

check() {
  local python platform
  check_up_to_date
  for python in $PYTHONS; do
    # Only on the first platform: on some, pyfastx must be built.
    resolve development "$python" "${PLATFORMS%% *}" --only-binary :all:
    for platform in $PLATFORMS; do
      resolve rehearsal "$python" "$platform" --only-binary :all:
      resolve deployment "$python" "$platform" --only-binary :all:
    done
  done
  echo "The locks follow from the requirements, and can be installed by Python $PYTHONS."
}

install_uv
case ${1:-} in
  write) compile_all "${@:2}" ;;
  check) check ;;
  *) fail "usage: installation/lock.sh write [--upgrade] | check" ;;
esac
