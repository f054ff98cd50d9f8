# SPDX-License-Identifier: ISC
# Draws data into svg. Its first block: CPU time per request by connections, a column for each
# server; its second: a row for each server with Gb/s of one connection, transmit and receive.
set terminal svg size 1000,380 font "sans-serif,12" background rgb "white"
set output svg
set grid ytics
set yrange [0:*]
set multiplot layout 1,2
array colors[4] = [0x2a6f97, 0xb56576, 0x8a8a8a, 0xe09f3e]
set title "Server CPU time per request, µs, 1 KiB file (medians)"
set xlabel "connections"
set logscale x
set xtics ("1" 1, "16" 16, "64" 64, "256" 256, "1,000" 1000, "10,000" 10000)
set key top right
plot for [k=2:5] data index 0 using 1:k with linespoints lw 2 pt 7 ps 0.6 lc rgb colors[k-1] \
     title columnheader(k)
unset logscale x
unset xlabel
set title "One connection, Gb/s (congestion control)"
set style data histograms
set style histogram clustered gap 1
set style fill solid 0.8 border -1
set xtics autofreq rotate by -25 scale 0 font ",10"
set key outside top center horizontal
plot data index 1 using 2:xtic(1) lc rgb colors[1] title "transmit", \
     data index 1 using 3 lc rgb colors[4] title "receive"
unset multiplot
