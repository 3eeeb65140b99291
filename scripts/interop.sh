#!/bin/sh
# Installs the programs that our interoperability tests talk to (Debian, as root), and runs the tests. Where it may not install, they
# run with what is there, and say what was skipped.
#
#   Net::SMPP   SMPP of Perl: an ESME, and an SMSC
#   Kannel      another gateway: an ESME
#   libsmpp34   SMPP 3.4 in C: an ESME, compiled here
set -e
cd "$(dirname "$0")/.."
if ! { command -v bearerbox && perl -MNet::SMPP -MJSON::PP -e 1 && [ -e /usr/include/libsmpp34 ]; } >/dev/null 2>&1; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -q
    DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends kannel libnet-smpp-perl libsmpp34-dev gcc libc6-dev
  else
    echo 'interop: not root on a Debian, nothing is installed' >&2
  fi
fi
node scripts/ensure.mjs --tests
exec npx tap build/src/node/interop.e2e.test.js
