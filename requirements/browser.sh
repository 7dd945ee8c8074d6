#!/bin/sh
# The page tests drive a real Chromium. A browser is no Python package, so it comes from the system's
# package manager; where that is not possible the page tests are skipped and say so.
for name in chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null 2>&1 && exit 0
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing Chromium for the page tests ..."
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core; } >/dev/null 2>&1 && exit 0
fi
echo "No Chromium found and none could be installed: the page tests that need a browser will be skipped."
