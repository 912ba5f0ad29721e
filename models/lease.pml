/*
 * A lease with a token: two clients, one store, one guarded place that is written to.
 *
 * Calls take any time, get lost, and arrive when nobody waits for their answer any more. A client may be paused at any
 * point, between its check and its write too: the scheduler need not run it. Clocks run at rates that differ by DRIFT
 * ticks in a lease. The store may lose all it knows, LOSSES times.
 */
#ifndef LOSSES
#define LOSSES 0      /* 0: what the holders see is judged as well, under clocks that drift */
#endif
#define CLIENTS 2
#define HORIZON 4     /* time ends */
#define TTL 2
#define DRIFT (1 - LOSSES)
#define ROUNDS(i) (2 - i)  /* acquisitions of a client, each with an owner of its own */
#define CALLS 2       /* that each of them may make before it gives up */
#define PER_TICK 5    /* tokens in a tick of time: more than the grants that fit into it */
#define NOBODY 0

#ifdef NO_MARGIN
#define MARGIN 0
#else
#define MARGIN DRIFT
#endif

mtype = { acquire, renew, release, silence, yes, no }

byte now = 1;

/* The store: one record, and the last token. */
byte holder = NOBODY;
byte endsAt;
byte token;
byte lastToken;
byte losses;

/* What is written to: it refuses tokens below the largest it has seen. */
byte largestSeen;

/* What no program can see, to judge by: grants in their order. */
byte grants;
byte granted;         /* which of them the record is */
byte written;         /* which of them wrote last */
byte largestToken;

/* Of each client: until when it believes in its lease (0: it has none), its call under way, and the answer. */
byte until[CLIENTS];
mtype call[CLIENTS];
byte caller[CLIENTS];
mtype answer[CLIENTS];        /* 0: nobody listens */
byte answeredToken[CLIENTS];
byte answeredGrant[CLIENTS];

#define ACTIVE(i) (now < until[i])

inline forget() {
  holder = NOBODY; endsAt = 0; token = 0; granted = 0
}

inline tick() {
  now++;
  if
  :: holder != NOBODY && now >= endsAt -> forget()
  :: else
  fi
}

inline grant(owner) {
#ifdef PLAIN_COUNTER
  lastToken = lastToken + 1;
#else
  lastToken = (lastToken + 1 > now * PER_TICK -> lastToken + 1 : now * PER_TICK);
#endif
  token = lastToken;
  assert(token > largestToken);   /* tokens grow, whatever was forgotten */
  largestToken = token;
  grants++;
  granted = grants;
  holder = owner;
  endsAt = now + TTL
}

/* Serves a client's calls, each in one step. Who does not listen any more gets no answer. */
active [CLIENTS] proctype Server() {
  byte i = _pid;
  mtype said;
end:
  do
  :: atomic { call[i] != 0 ->
       said = yes;
       if
       :: call[i] == acquire && holder == NOBODY -> grant(caller[i])
       :: call[i] == acquire && holder == caller[i] -> endsAt = now + TTL
       :: call[i] == renew && holder == caller[i] -> endsAt = now + TTL
       :: call[i] == release && holder == caller[i] -> forget()
#ifdef ANYBODY_RELEASES
       :: call[i] == release && holder != caller[i] -> forget()
#endif
       :: else -> said = no
       fi;
       if
       :: answer[i] == silence ->
          answer[i] = said;
          if
          :: call[i] == acquire && said == yes -> answeredToken[i] = token; answeredGrant[i] = granted
          :: else
          fi
       :: else
       fi;
       call[i] = 0; said = 0; caller[i] = 0
     }
  od
}

/* What is still under way then, is lost. */
#define SEND(what) call[i] = what; caller[i] = owner
/* Until its answer, or its time limit, whichever is sooner. */
#define ASK(what) calls++; answer[i] = silence; sentAt = now; SEND(what)

active [CLIENTS] proctype Client() {
  byte i = _pid - CLIENTS;
  byte round, calls, owner, sentAt, drift, myToken, myGrant;

  do
  :: round < ROUNDS(i) ->
     atomic { round++; owner = 2 * i + round; calls = 0 }
ask:
     if
     :: calls == CALLS -> goto letGo
     :: atomic { calls < CALLS -> ASK(acquire) }
     fi;
     atomic {
       if
       :: answer[i] == yes -> skip
       :: answer[i] == no -> goto ask
       :: answer[i] == silence -> answer[i] = 0; goto ask      /* the same owner asks again */
       fi;
       myToken = answeredToken[i]; myGrant = answeredGrant[i];
       answeredToken[i] = 0; answeredGrant[i] = 0; answer[i] = 0;
#ifdef DEADLINE_FROM_REPLY
       sentAt = now;
#endif
       if
       :: drift = 0
       :: drift = DRIFT                                            /* its clock is slow: it sees its deadline later */
       fi;
       calls = 1;
       until[i] = sentAt + TTL - MARGIN + drift
     }
hold:
     if
     :: atomic { ACTIVE(i) ->                                      /* it looks: lease.assertActive() */
          assert(LOSSES > 0 || !ACTIVE(1 - i))
        }
        /* … and a pause may come here … */
        atomic {                                                   /* … before it writes */
          if
#ifdef NO_FENCE
          :: true ->
#else
          :: myToken >= largestSeen ->
#endif
             largestSeen = myToken;
             assert(myGrant >= written);                           /* nobody who was granted later has written */
             written = myGrant
          :: else
          fi
        }
        goto hold
     :: atomic { ACTIVE(i) && calls < CALLS -> ASK(renew) }
        atomic {
          if
          :: answer[i] == yes && ACTIVE(i) -> until[i] = sentAt + TTL - MARGIN + drift   /* once over, it stays so */
          :: answer[i] == silence                                  /* unknown: held until the deadline */
          :: else -> until[i] = 0
          fi;
          answer[i] = 0; sentAt = 0;
          goto hold
        }
     :: !ACTIVE(i)
     :: ACTIVE(i)                                                  /* its work is done */
     fi;
letGo:
     atomic {
       until[i] = 0; answer[i] = 0; answeredToken[i] = 0; answeredGrant[i] = 0;
       myToken = 0; myGrant = 0; sentAt = 0; drift = 0; calls = 0;
       if
       :: SEND(release)
       :: skip                                                     /* it never gets there */
       fi;
       owner = 0
     }
  :: round == ROUNDS(i) -> break
  od
}

active proctype Clock() {
end:
  do
  :: atomic { now < HORIZON -> tick() }
  od
}

/* A restart without its data, FLUSHALL, a failover to a replica that knew nothing. It takes a tick at least. */
active proctype Oblivion() {
end:
  do
  :: atomic { losses < LOSSES && now < HORIZON -> losses++; tick(); forget(); lastToken = 0 }
  od
}
