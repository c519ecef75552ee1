#!/bin/bash -eu
# build.sh: what ClusterFuzzLite calls; the build is that of all hosted fuzzers.
exec ci/build.sh
