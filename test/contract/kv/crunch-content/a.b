before a/b, for . comes before /
