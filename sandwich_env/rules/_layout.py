"""Where each word of a game lives in its row of the state array. Plain numbers, shared by Python and the kernels.

A position is kept from the side to move's view: the mover's pieces always go up the board, so that every kernel has
one code path. Bitboards number the squares a1 = 0, b1 = 1, ..., h8 = 63 *in that view*: when Black is to move, the
mover's a1 is the real a8 (`square ^ 56`). A row of the state array `uint64 [N, STATE_WORDS]`:

     0..5   pawns, knights, bishops, rooks, queens, kings of both sides
     6, 7   the mover's men, the opponent's men
     8      Zobrist hash of pieces and castling rights, in White's view
     9      castling rights: bit 0 mover's king side, 1 mover's queen side, 2 and 3 the same of the opponent
     10     square behind a pawn that has just advanced by two, or 64 (python-chess's `ep_square`)
     11     1 where an en passant capture is legal
     12     half-moves since the last capture or pawn move
     13     1 where White is to move
     14     plies played since the start of this game
     15     plies since the last capture or pawn move *of this game*: the index into the keys below
     16     number of legal actions, 0 once the game is over
     17     1 where the mover is in check
     18     how often this position has occurred before in this game
     19     `Termination`, 0 while the game goes on
     20     result from White's side plus 1: 0 Black won, 1 drawn, 2 White won
     24...  the starting position: words 0 to 13 as it has them, then the number of the full move
     40...  eight slots of 13 bitboards, one for each of the last positions (that at ply p in slot p % 8): the six
            kinds of White's men, of Black's, and all ones if the position repeats an earlier one. Bits number the
            squares as White's observation does, row by row: a8 = 0, b8 = 1, ..., h1 = 63.
     144... the repetition key of each position since the last capture or pawn move
"""

from __future__ import annotations

PAWN, KNIGHT, BISHOP, ROOK, QUEEN, KING = 0, 1, 2, 3, 4, 5
OURS, THEIRS = 6, 7
HASH = 8
CASTLING = 9
EP_SQUARE = 10
EP_LEGAL = 11
HALFMOVES = 12
WHITE_TO_MOVE = 13
PLY = 14
REVERSIBLE = 15
LEGAL_COUNT = 16
CHECK = 17
REPETITIONS = 18
TERMINATION = 19
RESULT = 20
START = 24

HISTORY = 8
"""Positions kept for the observation, the current one included."""

AUXILIARY_CHANNELS = 7
BOARD_CHANNELS = 13
CHANNELS = AUXILIARY_CHANNELS + BOARD_CHANNELS * HISTORY

START_WORDS = 16
"""Words of a starting position: the first 14 of a state row (the hash left 0), then the full-move number."""
FULLMOVE = 14

BOARDS = START + START_WORDS
KEYS = BOARDS + HISTORY * BOARD_CHANNELS

FIFTY_MOVES = 100  # in half-moves
SEVENTY_FIVE_MOVES = 150

STATE_WORDS = KEYS + SEVENTY_FIVE_MOVES + 2  # the 75-move rule ends a game before a further key could be needed
"""Words of a game's row: 37 lines of a cache, an odd number, so that games do not fight for the same places in it."""

NO_SQUARE = 64

MAX_LEGAL = 416
"""No position has more legal moves: 15 men with at most 27 each, and a king with 8 and two castlings (218 is the most
in a game from the standard start, but a FEN may hold 15 queens)."""

MAX_MEN = 32

# A row of the history array, uint16 [N, HISTORY_WORDS]: eight slots, one for each of the last positions (the position
# at ply p in slot p % 8), then the roster: the same of the current position, and where on it to find each man. A man is
# written down as the place of his bit in a full observation, `cell * 111 + channel`, once as White sees it and once as
# Black does. Cells number the observation's squares as White sees them: a8 = 0, b8 = 1, ..., h1 = 63.
SLOT_BLACK = MAX_MEN  # where Black's view starts, after White's
SLOT_COUNT = 2 * MAX_MEN  # how many men there are
SLOT_REPEATED = SLOT_COUNT + 1  # whether the position repeats an earlier one
SLOT_WORDS = SLOT_COUNT + 2
ROSTER = HISTORY * SLOT_WORDS
ROSTER_COUNT = ROSTER + SLOT_COUNT
ROSTER_USED = SLOT_COUNT + 1
PLACES = ROSTER + SLOT_WORDS  # for each cell, the roster's index of the man that stands there
HISTORY_WORDS = PLACES + 64

# A job, uint64 [JOB_WORDS]: what the kernels do to a batch of games, and where in memory the arrays lie.
JOB_GAMES = 0  # how many games there are
JOB_TASKS = 1
JOB_BAD = 2  # what VERIFY finds
JOB_MAX_PLIES = 3
JOB_CLAIM_DRAWS = 4
JOB_VIEW = 5  # 0 as the mover sees it, 1 as White, 2 as Black
JOB_BOARDS = 6  # how many positions an observation holds
JOB_STATE = 8  # addresses from here on
JOB_LEGAL = 9
JOB_HISTORY = 10
JOB_MOVES = 11
JOB_ACTIONS = 12
JOB_SEEDS = 13
JOB_PLANES = 14
JOB_MASK = 15
JOB_WORDS = 16

# Tasks, in the order in which they are done to a game.
VERIFY = 1  # find the first game whose action is neither legal nor NO_ACTION
RESTART = 2  # start again the games with any action but NO_ACTION; or
PLAY = 4  # play the actions, which are legal
SAMPLE = 8  # draw an action, instead of reading it
PLANES = 16
PACKED_PLANES = 32
MASK = 64
PACKED_MASK = 128
