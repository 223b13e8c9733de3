configure() {
    # Only libelf is built; what the rest would need is answered for configure.
    for answer in search_argp_parse search_fts_close search__obstack_free; do
        export "ac_cv_$answer=none required"
    done
    ./configure --prefix=/usr --disable-debuginfod --disable-libdebuginfod --disable-nls --disable-demangler \
        --disable-symbol-versioning --without-bzlib --without-lzma --without-zstd --with-zlib
}

build() {
    # What libelf takes from the library of all of elfutils; the rest of that wants argp.
    make -C lib libeu.a am_libeu_a_OBJECTS="xasprintf.o xstrdup.o xstrndup.o xmalloc.o next_prime.o crc32.o crc32_file.o eu-search.o"
    make -C libelf
}

do_install() {
    make -C libelf DESTDIR="$DESTDIR" install
    rm "$DESTDIR/usr/lib/libelf.a"
    install -D -m 644 config/libelf.pc "$DESTDIR/usr/lib/pkgconfig/libelf.pc"
}
