configure() {
    ./configure --prefix=/usr --sbindir=/usr/sbin --sysconfdir=/etc --enable-elf-shlibs --disable-nls --disable-libblkid \
        --disable-libuuid --disable-uuidd --disable-fsck --disable-e2initrd-helper --disable-fuse2fs --enable-symlink-install \
        --enable-relative-symlinks --without-libarchive --with-udev-rules-dir=no --with-crond-dir=no --with-systemd-unit-dir=no
}

build() {
    make
}

check() {
    make -C tests test_one test_script
    cd tests
    for name in m_* d_* j_short_trans j_corrupt_journal_block; do
        test -d "$name" || continue
        case $name in
            # Want privileges, or measure the machine.
            m_offset | m_hugefile* | m_rootdir* | d_loaddump) continue ;;
        esac
        echo "$name"
    done > cases
    ./test_script $(cat cases)
}

do_install() {
    make DESTDIR="$DESTDIR" install install-libs
    rm -f "$DESTDIR/usr/lib/"*.a
    # Shell scripts of developers.
    rm -f "$DESTDIR/usr/bin/compile_et" "$DESTDIR/usr/bin/mk_cmds" "$DESTDIR/usr/sbin/e2scrub"* \
        "$DESTDIR/usr/share/man/man1/compile_et.1" "$DESTDIR/usr/share/man/man1/mk_cmds.1" \
        "$DESTDIR/usr/share/man/man8/e2scrub"* "$DESTDIR/etc/e2scrub.conf"
}
