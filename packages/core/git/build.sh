options="prefix=/usr gitexecdir=/usr/libexec/git-core sysconfdir=/etc NO_GETTEXT=1 NO_TCLTK=1 NO_PERL=1 NO_PYTHON=1
NO_REGEX=NeedsStartEnd USE_LIBPCRE2=1 NO_INSTALL_HARDLINKS=1 INSTALL_SYMLINKS=1 ICONV_OMITS_BOM=1 SHELL_PATH=/bin/sh DEFAULT_PAGER=less DEFAULT_EDITOR=vi"

build() {
    make $options CC="$CC" CFLAGS="$CFLAGS" LDFLAGS="$LDFLAGS" all
}

check() {
    local scripts="t0001-init.sh t3700-add.sh t7501-commit-basic-functionality.sh"
    make $options CC="$CC" CFLAGS="$CFLAGS" LDFLAGS="$LDFLAGS" -C t T="$scripts" $scripts
}

do_install() {
    make $options CC="$CC" CFLAGS="$CFLAGS" LDFLAGS="$LDFLAGS" DESTDIR="$DESTDIR" install
}
