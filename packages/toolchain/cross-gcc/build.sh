# The order in which a compiler and a C library that need each other are made: the compilers alone, the headers of the
# C library, the compiler's own library, the C library, the C++ library.

target=x86_64-linux-musl
# What programs of the target see while the target's libraries are built, and what programs of stage 0 are compiled
# against. The compiler itself looks in / unless it is told otherwise, so that it serves stage 1 as it is.
sysroot=$PWD/sysroot

configure() {
    # Equal results with and without the manuals.
    rm -rf gmp/doc
    mkdir gmp/doc
    printf 'all check info install install-info:\n' > gmp/doc/Makefile.in
    sed -i '/^s-tm-texi: build/,/^$/{/^[[:space:]]/d;}' gcc/Makefile.in
    # Headers of the C library are right as they are, and what lies in /usr/include is not the target's.
    sed -i 's,\./fixinc\.sh,-c true,' gcc/Makefile.in
    # One directory for libraries.
    sed -i '/m64=/s/lib64/lib/' gcc/config/i386/t-linux64

    mkdir -p obj "$sysroot/usr/include" "$sysroot/usr/lib"
    for name in asm asm-generic linux misc mtd rdma sound video; do
        cp -R "/usr/include/$name" "$sysroot/usr/include/"
    done

    cd obj
    # The shared C++ library is made for the static one's sake: its objects are position-independent, as those of the
    # next compiler's are, if there is a shared one. The package is called `libstdc++`, whatever its directory is.
    ../configure CC="$CC -static" CXX="$CXX -static" \
        CFLAGS_FOR_TARGET="-O2 -pipe" CXXFLAGS_FOR_TARGET="-O2 -pipe" \
        --prefix=/usr --libdir=/usr/lib --libexecdir=/usr/lib --target=$target \
        --with-sysroot=/ --with-build-sysroot="$sysroot" --with-native-system-header-dir=/usr/include \
        --enable-languages=c,c++ --enable-default-pie --enable-linker-build-id --with-linker-hash-style=gnu \
        --disable-analyzer --disable-bootstrap --disable-gcov --disable-libatomic \
        --disable-libcc1 --disable-libgomp --disable-libitm --disable-libquadmath --disable-libsanitizer --disable-libssp \
        --disable-libstdcxx-pch --disable-libvtv --disable-lto --disable-multilib --disable-nls --disable-plugin \
        --enable-shared=gcc,libgcc,libstdc++ --without-isl --without-zstd
}

build() {
    make -C obj MAKEINFO=true all-gcc

    local compiler="$PWD/obj/gcc/xgcc -B$PWD/obj/gcc"
    local cross="CROSS_COMPILE=$target-"
    (
        cd musl
        ./configure --target=$target --prefix=/usr --syslibdir=/lib --disable-wrapper \
            CC="$compiler --sysroot=$sysroot" LIBCC="$PWD/../obj/$target/libgcc/libgcc.a" CFLAGS="-O2 -pipe" LDFLAGS= $cross
        make DESTDIR="$sysroot" install-headers
    )
    # Without a C library the shared one cannot be linked; its parts would then be in the static one.
    make -C obj MAKEINFO=true MAKE="make enable_shared=no" all-target-libgcc
    make -C musl $cross
    make -C musl $cross DESTDIR="$sysroot" install
    # /lib is a link to /usr/lib on every igos system, so both names lead to the same file.
    rm -r "$sysroot/lib"
    ln -s libc.so "$sysroot/usr/lib/ld-musl-x86_64.so.1"
    rm obj/$target/libgcc/libgcc.a
    make -C obj MAKEINFO=true all-target-libgcc
    make -C obj MAKEINFO=true all-target-libstdc++-v3
}

do_install() {
    make -C obj MAKEINFO=true DESTDIR="$DESTDIR" install-gcc install-target-libgcc install-target-libstdc++-v3
    # Compilers of stage 1 take the code that unwinds exceptions out of the same archive as those of later stages,
    # and what they make for themselves while they are built needs no library that stage 0 would have to bring.
    find "$DESTDIR" -name 'libgcc_s.so*' -delete
    find "$DESTDIR" -name 'libstdc++.so*' -delete
    echo 'INPUT(-lgcc_eh)' > "$DESTDIR/usr/$target/lib/libgcc_s.so"
    find "$DESTDIR" -name '*.la' -delete
    rm -rf "$DESTDIR/usr/share" "$DESTDIR"/usr/lib/gcc/*/*/install-tools
    mkdir -p "$DESTDIR/usr/$target/usr"
    cp -R "$sysroot/usr/include" "$sysroot/usr/lib" "$DESTDIR/usr/$target/usr/"
}
