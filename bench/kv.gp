# SPDX-License-Identifier: ISC
# Draws data (one row for each work: name, then median, least, most of requests/s for each server)
# into svg.
set terminal svg size 900,420 font "sans-serif,12" background rgb "white"
set output svg
set style data histogram
set style histogram errorbars gap 1.5 lw 1
set style fill solid 0.7 border -1
set bars 0.6
set logscale y
set yrange [1000:*]
set grid ytics
set key top right
set xtics rotate by -20 font ",10"
set title "Requests each second, 50 connections (median; bars: least and most)"
plot data using 2:3:4:xtic(1) title "kvd" lc rgb 0x2a6f97, \
     '' using 5:6:7 title "redis-server" lc rgb 0xb56576
