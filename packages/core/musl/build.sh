# With a compiler that makes programs for another C library there is a second command that makes them for this one.
makes_for_others() {
    case $(gcc -dumpmachine) in
        *-musl) return 1 ;;
    esac
}

configure() {
    local wrapper=--disable-wrapper
    if makes_for_others; then
        wrapper=--enable-wrapper=gcc
    fi
    ./configure --prefix=/usr --syslibdir=/lib $wrapper
}

build() {
    make
}

do_install() {
    make DESTDIR="$DESTDIR" install

    # /lib is a link to /usr/lib on every igos system, so both names lead to the same file.
    rm -r "$DESTDIR/lib"
    ln -s libc.so "$DESTDIR/usr/lib/ld-musl-x86_64.so.1"
    mkdir -p "$DESTDIR/usr/bin"
    ln -s ../lib/libc.so "$DESTDIR/usr/bin/ldd"

    if makes_for_others; then
        # Upstream's musl-gcc is a shell script. As every shell here needs the C library, the C library cannot need
        # a shell: the same command is made as a program, linked with the library just installed.
        sed "s,/usr/,$DESTDIR/usr/,g; s,$DESTDIR/usr/lib/ld-musl,/lib/ld-musl,g" \
            "$DESTDIR/usr/lib/musl-gcc.specs" > staged.specs
        gcc -O2 -static -specs staged.specs -o "$DESTDIR/usr/bin/musl-gcc" musl-gcc.c
    fi
}
