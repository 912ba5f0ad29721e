/*
 * Turns within a process: what the store granted once passes on to up to TURNS more waiters of the process without a call
 * of the store, each with the next of the tokens that were reserved with the grant.
 *
 * Two processes with a line of waiters each, and a store with a queue of the two. Writes arrive late. A process may stop
 * or pause at any point; with LOSSES=1 the store may lose all it knows, or free the key by force.
 */
#ifndef LOSSES
#define LOSSES 0      /* 0: what the holders see, and the order of what they write, is judged as well */
#endif
#define LINE (4 - LOSSES)  /* waiters of each process */
#define TURNS 2
#define TTL 2
#define HORIZON 4     /* time ends */
#define PER_TICK 16   /* tokens in a tick of time: more than can be handed out in it */
#define TOKENS 96     /* above the largest */
#define NOBODY 2

#ifdef NO_RESERVE
#define RESERVED 0
#else
#define RESERVED TURNS
#endif

byte now = 1;
byte losses;

/* The store. */
byte holder = NOBODY;
byte endsAt;
byte lastToken;
bool queued[2];

/* Each process: how many wait, and its hold. */
byte line[2] = LINE;
byte token[2];                /* 0: none */
byte turns[2];
byte until[2];

/* A write that is still under way, of whichever hold. */
byte sentToken[2];
byte sentNumber[2];

/* What is written to. */
byte largestSeen;

/* To judge by. */
bool used[TOKENS];
byte holds;                   /* numbers all holds, in their order */
byte number[2];
byte writer;                  /* whose write was accepted last */
byte overtaken[2];            /* holds of the other since this process stands in the queue */

#define ACTIVE(x) (now < until[x])
#define CALLS(x) (queued[x] && token[x] == 0)

/* A hold begins, by the store's grant or as a turn. */
inline begin(x, its) {
  assert(!used[its]);         /* no two holds share a token */
  used[its] = true;
  token[x] = its;
  holds++;
  number[x] = holds;
  line[x]--;
  if
  :: queued[1 - (x)] -> overtaken[1 - (x)]++; assert(overtaken[1 - (x)] <= TURNS + 1)
  :: else
  fi
}

inline grant(to) {
  lastToken = (lastToken + 1 > now * PER_TICK -> lastToken + 1 : now * PER_TICK);
  holder = to; endsAt = now + TTL; queued[to] = false; overtaken[to] = 0;
  begin(to, lastToken);
  lastToken = lastToken + RESERVED;
  turns[to] = TURNS; until[to] = now + TTL
}

/* Whoever stands in the queue gets what comes free: the other process before the one that had it. */
inline free() {
  last = holder;
  holder = NOBODY; endsAt = 0;
  if
  :: last != 0 && CALLS(0) -> grant(0)
  :: last != 1 && CALLS(1) -> grant(1)
  :: last == 0 && !CALLS(1) && CALLS(0) -> grant(0)
  :: last == 1 && !CALLS(0) && CALLS(1) -> grant(1)
  :: else
  fi;
  last = 0
}

inline tick() {
  now++;
  if
  :: holder != NOBODY && now >= endsAt -> free()
  :: else
  fi
}

inline write(its, who) {
  if
  :: its >= largestSeen ->
     assert(its > largestSeen || who == writer);   /* never two by one token */
     assert(LOSSES > 0 || who >= writer);          /* never one that was overtaken */
     largestSeen = its;
     writer = who
  :: else
  fi
}

active [2] proctype Process() {
  byte p = _pid;
  byte last;
end:
  do
  :: atomic { token[p] == 0 && line[p] > 0 && !queued[p] ->
       if
       :: holder == NOBODY && !queued[1 - p] -> grant(p)
       :: else -> queued[p] = true
       fi
     }
  :: atomic { token[p] != 0 && ACTIVE(p) -> assert(LOSSES > 0 || !ACTIVE(1 - p)) };
     if
     :: atomic { sentToken[p] == 0 -> sentToken[p] = token[p]; sentNumber[p] = number[p] }
     :: atomic { write(token[p], number[p]) }
     :: skip
     fi
  :: atomic { token[p] != 0 ->                     /* the release of one is the turn of the next */
       if
#ifdef PASS_WITHOUT_LOOK
       :: turns[p] > 0 && line[p] > 0 -> until[p] = now + TTL;
#else
       :: turns[p] > 0 && line[p] > 0 && ACTIVE(p) ->
#endif
#ifndef NO_TURN_LIMIT
          turns[p]--;
#endif
#ifdef SAME_TOKEN
          used[token[p]] = false;
          begin(p, token[p])
#else
          begin(p, token[p] + 1)
#endif
       :: else ->
          token[p] = 0; number[p] = 0; turns[p] = 0; until[p] = 0;
          queued[p] = queued[p] || line[p] > 0;    /* the next request travels with the release */
          if
          :: holder == p || holder == NOBODY -> free()
          :: else
          fi
       fi
     }
  :: atomic { sentToken[p] != 0 -> write(sentToken[p], sentNumber[p]); sentToken[p] = 0; sentNumber[p] = 0 }
  od
}

active proctype Clock() {
  byte last;
end:
  do
  :: atomic { now < HORIZON -> tick() }
  od
}

active proctype Oblivion() {
  byte last;
end:
  do
  :: atomic { losses < LOSSES && now < HORIZON -> losses++; holder = NOBODY; endsAt = 0; lastToken = 0; queued[0] = false; queued[1] = false; tick() }
  :: atomic { losses < LOSSES && holder != NOBODY -> losses++; free() }   /* by force */
  od
}
