# SPDX-License-Identifier: ISC
# Draws data (one row for each work: name, then median, least, most of requests/s for each side) into
# svg.
set terminal svg size 900,420 font "sans-serif,12" background rgb "white"
set output svg
set style data histogram
set style histogram errorbars gap 1.5 lw 1
set style fill solid 0.7 border -1
set bars 0.6
set logscale y
set yrange [10:*]
set grid ytics
set key top right
set xtics rotate by -20 font ",10"
set title "Requests each second, O_DIRECT on one file (median; bars: least and most)"
plot data using 2:3:4:xtic(1) title "rung" lc rgb 0x2a6f97, \
     '' using 5:6:7 title "rung, threads" lc rgb 0x8fb8cf, \
     '' using 8:9:10 title "fio, io_uring" lc rgb 0xb56576
