# SPDX-License-Identifier: ISC
# Draws data (one row for each fill: name, then bytes written for one asked for, for each shape) into svg.
set terminal svg size 760,400 font "sans-serif,12" background rgb "white"
set output svg
set style data histogram
set style histogram clustered gap 1.5
set style fill solid 0.7 border -1
set yrange [0:*]
set grid ytics
set key top left
set title "Bytes written for one byte of key and value"
plot data using 2:xtic(1) title "1,000 bytes, 64 at once" lc rgb 0x2a6f97, \
     '' using 3 title "100 bytes, 64 at once" lc rgb 0x8fb8cf, \
     '' using 4 title "16,000 bytes, 64 at once" lc rgb 0x6a994e, \
     '' using 5 title "1,000 bytes, one at a time" lc rgb 0xb56576
