configure() {
    # What Configure would read from this machine is said.
    LSOF_CC="$CC" LINUX_CLIB="-DGLIBCV=2" LSOF_INCLUDE=/usr/include LINUX_VERSION_CODE=0 LSOF_VSTR=6.1 ./Configure -n linux
}

build() {
    make CC="$CC" DEBUG="$CFLAGS" CFGL="-L./lib -llsof $LDFLAGS" LSOF_HOST=igos LSOF_LOGNAME=builder LSOF_USER=builder LSOF_SYSINFO=linux
}

do_install() {
    install -D -m 755 lsof "$DESTDIR/usr/bin/lsof"
    install -D -m 644 lsof.8 "$DESTDIR/usr/share/man/man8/lsof.8"
}
