options="GZIP_SUPPORT=1 XZ_SUPPORT=1 LZ4_SUPPORT=1 ZSTD_SUPPORT=1 LZO_SUPPORT=0 XATTR_SUPPORT=1"

build() {
    make -C squashfs-tools CC="$CC" EXTRA_CFLAGS="$CFLAGS" EXTRA_LDFLAGS="$LDFLAGS" $options
}

check() {
    # Upstream has no suite.
    mkdir sample
    cp squashfs-tools/*.h sample
    for method in gzip xz lz4 zstd; do
        squashfs-tools/mksquashfs sample sample.img -comp "$method" -noappend -quiet -no-progress
        rm -rf unpacked
        squashfs-tools/unsquashfs -quiet -no-progress -dest unpacked sample.img
        diff -r sample unpacked
    done
}

do_install() {
    install -D -m 755 squashfs-tools/mksquashfs "$DESTDIR/usr/bin/mksquashfs"
    install -m 755 squashfs-tools/unsquashfs "$DESTDIR/usr/bin/unsquashfs"
    ln -s mksquashfs "$DESTDIR/usr/bin/sqfstar"
    ln -s unsquashfs "$DESTDIR/usr/bin/sqfscat"
}
