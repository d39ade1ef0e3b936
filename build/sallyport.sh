#!/bin/sh
# The installed command: the product's own Node.js, found from where this file really lies, with nobody's code in it.
unset LD_PRELOAD LD_AUDIT NODE_OPTIONS OPENSSL_CONF
here=$(dirname "$(readlink -f "$0")")/..
runtime=node program=sallyport.mjs
[ "${1-}" = mcp ] && runtime=sallyport-bridge program=bridge.mjs
exec "$here/runtime/$runtime" "$here/product/dist/main/$program" "$@"
