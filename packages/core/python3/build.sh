configure() {
    ./configure --prefix=/usr --enable-shared --with-system-expat --without-ensurepip --disable-test-modules --without-static-libpython \
        --with-computed-gotos --enable-ipv6 --with-dbmliborder= --with-tzpath=/usr/share/zoneinfo
}

build() {
    make
}

check() {
    LD_LIBRARY_PATH=$PWD ./python -m test -j2 --timeout 300 \
        test_grammar test_dict test_list test_unicode test_long test_float test_re test_json test_struct test_hashlib \
        test_zlib test_bz2 test_lzma test_sqlite3 test_pyexpat test_ctypes test_xml_etree test_tarfile test_pathlib
}

do_install() {
    make DESTDIR="$DESTDIR" install
    # Shell scripts that say what python3.pc says, and what looks like a test of the modules.
    rm -f "$DESTDIR/usr/bin/"*-config
    rm -rf "$DESTDIR/usr/lib/python3.13/test" "$DESTDIR/usr/lib/python3.13/idlelib" "$DESTDIR/usr/lib/python3.13/turtledemo" \
        "$DESTDIR/usr/bin/"idle3*
    ln -s python3 "$DESTDIR/usr/bin/python"
}
