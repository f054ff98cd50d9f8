#!/bin/sh
# SPDX-License-Identifier: ISC
# `./rung test` configures with the preset's own values, whatever was chosen in the build folder
# before: rung_test_test.sh ROOT FOLDER. A copy of the front-end and of the resolver's tree, which is
# configured and never built: building and ctest do nothing here.
set -eu
root=$1
rm -rf "$2"
mkdir -p "$2/bin"
cd "$2"

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

cp "$root/rung" "$root/test/build/tree/nothing.c" .
cp -r "$root/test/build/tree/contract" .
sed "s,[^ ]*/cmake),$root/cmake)," "$root/test/build/tree/CMakeLists.txt" >CMakeLists.txt
cat >CMakePresets.json <<END_OF_PRESETS
{
  "version": 6,
  "configurePresets": [{
    "name": "toy", "binaryDir": "\${sourceDir}/build/toy", "generator": "Ninja",
    "cacheVariables": {
      "RUNG_PLATFORM": "unix", "RUNG_NET": "wire", "RUNG_TCP": "stack", "RUNG_UDP": "stack",
      "RUNG_HTTP": "web", "RUNG_KV": "store", "RUNG_BLOCK": "tape",
      "RUNG_CONTRACT_ROOT": "\${sourceDir}/contract"
    }
  }],
  "testPresets": [{ "name": "toy", "configurePreset": "toy" }]
}
END_OF_PRESETS
cmake=$(command -v cmake)
# shellcheck disable=SC2016
printf '#!/bin/sh\n[ "$1" = --build ] || exec "%s" "$@"\n' "$cmake" >bin/cmake
printf '#!/bin/sh\nexit 0\n' >bin/ctest
chmod +x bin/cmake bin/ctest

cmake --preset toy -DRUNG_NET=spy:wire -DRUNG_site_content=box "-DRUNG_site_FIX=port=99" >before.log 2>&1 ||
    fail "$(cat before.log)"
grep -q '{"content.path", "here"}' build/toy/generated/site/main.c || fail "RUNG_site_content had no effect"
grep -q 'UINT16_C(99)' build/toy/generated/site/site_app.h || fail "RUNG_site_FIX had no effect"
PATH=$PWD/bin:$PATH sh ./rung test toy >test.log 2>&1 || fail "$(cat test.log)"
! grep -q 'UINT16_C(99)' build/toy/generated/site/site_app.h || fail "RUNG_site_FIX is still there"
grep -q rung_store_open build/toy/generated/site/main.c || fail "the slot's choice is still there"
! grep -q '^RUNG_[a-z]' build/toy/CMakeCache.txt || fail "$(grep '^RUNG_[a-z]' build/toy/CMakeCache.txt)"
grep -q "^RUNG_NET:.*=wire" build/toy/CMakeCache.txt || fail "RUNG_NET is not the preset's"
