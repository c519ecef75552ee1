#!/bin/bash -eu
# build.sh: what OSS-Fuzz calls; the build is that of all hosted fuzzers.
exec ci/build.sh
