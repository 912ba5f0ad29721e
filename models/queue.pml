/*
 * The queue of one key in the store: places that lapse, heartbeats, hand-over by whoever releases, notices that may be
 * late or lost, calls that may be lost with or without effect, and clients that stop for good, as waiters or as holders.
 *
 * Time passes only when nobody who runs has something to do: a wait can be bounded by counting ticks.
 */
#define CLIENTS 3
#define TTL 5         /* of a hold that was asked for */
#define PLACE 3       /* how long a place in the queue lasts; a hold that was not asked for lasts no longer */
#define BEAT 1        /* pause between two heartbeats */
#define HOLD 1        /* how long the work takes, at most */
#ifndef FAULTS
#define FAULTS 3      /* notices and calls that go wrong */
#endif
#ifndef STOPS
#define STOPS 1       /* clients that stop */
#endif
#define NOBODY CLIENTS

mtype = { idle, waits, holds, done }

/* The store: who holds, the queue, and the marks that tell of the queue: on the record, and on the last token. */
byte holder = NOBODY;
byte leaseLeft;
bool recordMarked;
bool tokenMarked;
chan queue = [CLIENTS] of { byte };
byte placeLeft[CLIENTS];

/* The clients. */
mtype state[CLIENTS] = idle;
bool stopped[CLIENTS];
bool connected[CLIENTS] = true;  /* a stopped client's connection may look alive */
byte dueIn[CLIENTS];             /* until the next heartbeat, or the end of the work */
byte markAge[CLIENTS];           /* of the moment that a notice's lease is counted from */
bool marked[CLIENTS];
bool doubtful[CLIENTS];          /* a grant may have come and gone unseen: its notice may still arrive */
byte validFor[CLIENTS];          /* how long a holder believes in its lease */
mtype notice[CLIENTS];

mtype = { prompt, late }

/* To judge by. */
byte faults;
byte stops;
byte waited[CLIENTS];
byte allowance = (CLIENTS - 1) * HOLD;  /* how long anybody may have to wait */

#define BELIEVES(i) (state[i] == holds && validFor[i] > 0)

inline leave(i) {
  placeLeft[i] = 0;
  if
  :: queue??[eval(i)] -> queue??eval(i)
  :: !queue??[eval(i)]
  fi
}

inline stand(i) {
  if
  :: queue??[eval(i)]
  :: !queue??[eval(i)] -> queue!i
  fi;
  placeLeft[i] = PLACE
}

/* Nobody who waits has been there for longer. */
inline assertFirst(i) {
  first = NOBODY;
  if
  :: nempty(queue) -> queue?<first>
  :: empty(queue)
  fi;
  assert(first == NOBODY || first == i || stopped[first])
}

inline promote(quiet) {
  do
  :: holder == NOBODY && nempty(queue) ->
     queue?next;
     if
     :: placeLeft[next] == 0                       /* lapsed */
     :: placeLeft[next] > 0 && (connected[next] || next == quiet) ->
        placeLeft[next] = 0;
        holder = next;
#ifdef PROMOTED_FOR_TTL
        leaseLeft = TTL;
#else
        leaseLeft = PLACE;
#endif
        recordMarked = nempty(queue);
        tokenMarked = nempty(queue);
        if
        :: next == quiet
        :: next != quiet -> notice[next] = prompt
        :: next != quiet && faults < FAULTS -> notice[next] = late; faults++; allowance = allowance + BEAT
        fi
     :: placeLeft[next] > 0 && !connected[next] && next != quiet -> placeLeft[next] = 0   /* nobody listens there */
     fi;
     next = 0
  :: holder != NOBODY || empty(queue) -> break
  od
}

/* The script of an acquire, with its order of steps. */
inline serveAcquire(i) {
  if
  :: holder == NOBODY && !tokenMarked ->           /* free, and nobody is known to wait */
     assertFirst(i);
     holder = i; leaseLeft = TTL; recordMarked = false
  :: holder == NOBODY && tokenMarked ->
     tokenMarked = false;
     stand(i);
     promote(i)
  :: else
  fi;
  if
  :: holder == i -> leaseLeft = TTL; granted = true
  :: else ->
     stand(i);
#ifndef NO_MARK_ON_RECORD
     recordMarked = true;
#endif
#ifndef NO_MARK_ON_TOKEN
     tokenMarked = true;
#endif
     granted = false
  fi
}

inline serveRelease(i) {
  if
  :: holder == i ->
     holder = NOBODY; leaseLeft = 0;
     if
     :: recordMarked -> recordMarked = false; promote(NOBODY)
     :: else
     fi
  :: else -> leave(i)
  fi
}

inline take(i, lease) {
  state[i] = holds; validFor[i] = lease; dueIn[i] = HOLD; notice[i] = 0; markAge[i] = 0; marked[i] = false; doubtful[i] = false; waited[i] = 0;
  assert(!BELIEVES((i + 1) % CLIENTS) && !BELIEVES((i + 2) % CLIENTS))
}

inline ask(i) {
#ifdef MARK_WHEN_SENT
  markAge[i] = 0;
#else
  if
  :: !marked[i] -> marked[i] = true; markAge[i] = 0   /* no grant can be older than the first question */
  :: else
  fi;
#endif
  dueIn[i] = BEAT;
  if
  :: true ->
     serveAcquire(i);
     if
     :: granted -> take(i, TTL)
     :: else ->
#ifndef NO_DOUBT
        doubtful[i] = doubtful[i] || markAge[i] == PLACE;
#endif
        markAge[i] = 0                                /* answered: not granted before this question was sent */
     fi
  :: faults < FAULTS -> faults++; allowance = allowance + BEAT                    /* it never arrives */
  :: faults < FAULTS -> faults++; allowance = allowance + BEAT; serveAcquire(i)   /* its answer never arrives */
  fi;
  granted = false; first = 0
}

active [CLIENTS] proctype Client() {
  byte i = _pid;
  byte next, first;
  bool granted;
end:
  do
  :: atomic { !stopped[i] && state[i] == idle -> state[i] = waits; ask(i) }
#ifdef NO_HEARTBEAT
  :: atomic { !stopped[i] && state[i] == waits && dueIn[i] == 0 -> dueIn[i] = BEAT }
#else
  :: atomic { !stopped[i] && state[i] == waits && dueIn[i] == 0 -> ask(i) }
#endif
  :: atomic { !stopped[i] && state[i] == waits && notice[i] != 0 ->
       notice[i] = 0;
#ifdef NOTICE_FOR_TTL
       take(i, TTL)
#else
       if
       :: 2 * (PLACE - markAge[i]) >= PLACE && !doubtful[i] -> take(i, PLACE - markAge[i])
       :: else -> ask(i)                           /* too old to be of use; asking again renews it, or tells */
       fi
#endif
     }
  :: atomic { !stopped[i] && state[i] == holds ->
       state[i] = done; validFor[i] = 0; dueIn[i] = 0; serveRelease(i)
     }
  :: atomic { !stopped[i] && stops < STOPS && (state[i] == waits || state[i] == holds) ->
       stops++;
       stopped[i] = true;
       if
       :: connected[i] = false
       :: skip
       fi;
       allowance = allowance + (state[i] == holds || holder == i && leaseLeft > PLACE -> TTL : PLACE)
     }
  od
}

#define AT_REST(i) (stopped[i] || state[i] == idle || state[i] == done || dueIn[i] > 0 && notice[i] != prompt)

inline pass(i) {
  if
  :: dueIn[i] > 0 -> dueIn[i]--
  :: else
  fi;
  if
  :: validFor[i] > 0 -> validFor[i]--
  :: else
  fi;
  if
  :: placeLeft[i] > 0 -> placeLeft[i]--
  :: else
  fi;
  if
  :: state[i] == waits && markAge[i] < PLACE -> markAge[i]++
  :: else
  fi;
  if
  :: state[i] == waits && !stopped[i] -> waited[i]++; assert(waited[i] <= allowance)
  :: else
  fi
}

active proctype Clock() {
end:
  do
  :: atomic { AT_REST(0) && AT_REST(1) && AT_REST(2) ->
       pass(0); pass(1); pass(2);
       if
       :: leaseLeft > 1 -> leaseLeft--
       :: leaseLeft == 1 -> leaseLeft = 0; holder = NOBODY; recordMarked = false
       :: else
       fi
     }
  od
}
