configure() {
    ./configure --prefix=/usr --disable-static --disable-tcl --enable-fts5 --enable-readline --with-readline-inc=-I/usr/include \
        CPPFLAGS="-DSQLITE_ENABLE_COLUMN_METADATA=1 -DSQLITE_ENABLE_UNLOCK_NOTIFY=1 -DSQLITE_ENABLE_DBSTAT_VTAB=1 -DSQLITE_SECURE_DELETE=1"
}

build() {
    make
}

check() {
    ./sqlite3 sample.db "create table t(a primary key, b); insert into t values(1, 'one'), (2, 'two');"
    test "$(./sqlite3 sample.db 'select b from t where a = 2')" = two
    test "$(./sqlite3 sample.db 'pragma integrity_check')" = ok
    test "$(./sqlite3 :memory: "create virtual table f using fts5(x); insert into f values('some words'); select count(*) from f where f match 'words';")" = 1
}

do_install() {
    make DESTDIR="$DESTDIR" install
}
