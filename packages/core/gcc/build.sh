configure() {
    # Equal results with and without the manuals.
    sed -i '/^s-tm-texi: build/,/^$/{/^[[:space:]]/d;}' gcc/Makefile.in
    # busybox's awk takes the backslash out of the replacement, and options of C++ would belong to no language.
    sed -i 's/gsub ( "\\\\+", "\\\\+", regex )/gsub ( "[+]", "[+]", regex )/' gcc/opt-functions.awk
    grep -q 'gsub ( "\[+\]", "\[+\]", regex )' gcc/opt-functions.awk
    # Headers of the C library are right as they are; "fixed" copies would be those of whatever is installed now.
    sed -i 's,\./fixinc\.sh,-c true,' gcc/Makefile.in
    # One directory for libraries.
    sed -i '/m64=/s/lib64/lib/' gcc/config/i386/t-linux64

    mkdir obj
    cd obj
    # The C library has no indirect functions, and says so only when a program starts.
    export libat_cv_have_ifunc=no
    ../configure --prefix=/usr --libdir=/usr/lib --libexecdir=/usr/lib \
        --build=x86_64-linux-musl --host=x86_64-linux-musl --target=x86_64-linux-musl \
        --with-native-system-header-dir=/usr/include \
        --enable-languages=c,c++ --enable-default-pie --enable-linker-build-id --with-linker-hash-style=gnu \
        --disable-analyzer --disable-bootstrap --disable-libcc1 --disable-libitm --disable-libquadmath --disable-libsanitizer \
        --disable-libssp --disable-libstdcxx-pch --disable-libvtv --disable-lto --disable-multilib --disable-nls \
        --disable-plugin --enable-shared --without-isl --without-zstd
}

build() {
    make -C obj MAKEINFO=true
}

# Upstream's suite is written for DejaGnu. What this compiler makes is tried here, and every later generation is made
# by it and compared.
check() {
    local target=obj/x86_64-linux-musl
    local compiler="obj/gcc/xg++ -Bobj/gcc -nostdinc++ -L$target/libstdc++-v3/src/.libs -L$target/libgcc"
    local headers
    headers=$($target/libstdc++-v3/scripts/testsuite_flags --build-includes)
    for flags in "-O0" "-O2 -shared-libgcc" "-O2 -static"; do
        $compiler $headers -std=c++20 $flags -o checked check.cc -L$target/libstdc++-v3/src/.libs
        LD_LIBRARY_PATH=$target/libstdc++-v3/src/.libs:obj/gcc ./checked
    done
}

do_install() {
    make -C obj MAKEINFO=true DESTDIR="$DESTDIR" install
    ln -s gcc "$DESTDIR/usr/bin/cc"
    # Scripts in Python for debuggers, what libtool alone reads, what repairs headers, and manuals for GNU's info.
    find "$DESTDIR" -name '*.la' -delete
    rm -rf "$DESTDIR"/usr/lib/gcc/*/*/install-tools "$DESTDIR/usr/share/info" "$DESTDIR"/usr/share/gcc-*
    rm -f "$DESTDIR"/usr/lib/*-gdb.py
}
