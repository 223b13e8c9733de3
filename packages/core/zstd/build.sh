# What cannot be left to detection is said: the command reads .gz and .xz with our libraries, and not .lz4.
options="HAVE_ZLIB=1 HAVE_LZMA=1 HAVE_LZ4=0 PREFIX=/usr"

build() {
    make -C lib lib $options
    make -C programs zstd $options
}

check() {
    for level in 1 3 19; do
        programs/zstd -q -"$level" -c lib/compress/*.c > check.zst
        programs/zstd -q -t check.zst
        programs/zstd -q -d -c check.zst | cmp - <(cat lib/compress/*.c)
    done
    programs/zstd -q --format=gzip -c lib/zstd.h | gzip -d | cmp - lib/zstd.h
    programs/zstd -q --format=xz -c lib/zstd.h | xz -d | cmp - lib/zstd.h
}

do_install() {
    make -C lib install $options
    make -C programs install $options
    # Shell scripts around grep and less, which the library's package must not need.
    rm "$DESTDIR/usr/bin/zstdgrep" "$DESTDIR/usr/bin/zstdless" \
        "$DESTDIR/usr/share/man/man1/zstdgrep.1" "$DESTDIR/usr/share/man/man1/zstdless.1"
}
