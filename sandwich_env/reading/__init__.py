"""What is in the files that people have: books of positions, puzzles, recorded games, endgame tables."""
