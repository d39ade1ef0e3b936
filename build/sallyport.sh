#!/bin/sh
# The installed command: the product's own Node.js, found from where this file really lies, with nobody's code in it.
unset LD_PRELOAD LD_AUDIT NODE_OPTIONS OPENSSL_CONF
here=$(dirname "$(readlink -f "$0")")/..
program=sallyport.mjs
[ "${1-}" = mcp ] && program=bridge.mjs
exec "$here/runtime/node" "$here/product/dist/main/$program" "$@"
