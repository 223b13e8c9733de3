build() { :; }
do_install() { :; }
