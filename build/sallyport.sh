#!/bin/sh
# The installed command: the product's own Node.js, found from where this file really lies.
here=$(dirname "$(readlink -f "$0")")/..
program=sallyport.mjs
[ "${1-}" = mcp ] && program=bridge.mjs
exec "$here/runtime/node" "$here/product/dist/main/$program" "$@"
