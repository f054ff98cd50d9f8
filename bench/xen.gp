# SPDX-License-Identifier: ISC
# Draws data into svg. Its first block: what Linux needs, in multiples of rung; its second: how fast
# rung is, in multiples of Linux, as median, least and most.
set terminal svg size 1100,420 font "sans-serif,12" background rgb "white"
set output svg
set style fill solid 0.8 border -1
set bars 2
set grid ytics
unset key
set multiplot
set title "What Linux with nginx needs, rung = 1"
set size 0.56,1
set origin 0,0
set bmargin 4
set logscale y
set yrange [1:10000]
set xrange [-0.6:4.6]
set xtics font ",9"
plot data index 0 using 0:2:(0.6):xtic(1) with boxes lc rgb 0x2a6f97, \
     '' index 0 using 0:2:(sprintf("%.1f", $2)) with labels offset 0,0.7
unset logscale y
set title "Speed of rung, Linux = 1 (median; bars: least and most)"
set size 0.44,1
set origin 0.56,0
set bmargin 7
set rmargin 6
set yrange [0:*]
set xrange [-0.6:5.6]
set xtics rotate by -25 font ",9"
plot data index 1 using 0:2:3:4:(0.6):xtic(1) with boxerrorbars lc rgb 0x8fb8cf, \
     1 with lines lc black dt 2
unset multiplot
