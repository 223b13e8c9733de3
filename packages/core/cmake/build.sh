configure() {
    # It builds a small cmake, which configures the whole one.
    ./bootstrap --prefix=/usr --datadir=share/cmake-3.25 --docdir=share/doc/cmake --no-qt-gui --generator="Unix Makefiles" \
        --system-bzip2 --system-curl --system-expat --system-liblzma --system-zlib --system-zstd \
        --no-system-jsoncpp --no-system-libarchive --no-system-librhash --no-system-libuv \
        -- -DCMAKE_BUILD_TYPE=Release -DBUILD_CursesDialog=OFF -DBUILD_TESTING=OFF
}

build() {
    make
}

do_install() {
    make DESTDIR="$DESTDIR" install
    # What editors and shells would complete, and help that is on the web.
    rm -rf "$DESTDIR/usr/share/bash-completion" "$DESTDIR/usr/share/emacs" "$DESTDIR/usr/share/vim" "$DESTDIR/usr/share/doc"
}
