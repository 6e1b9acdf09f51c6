/* Decoder of the events of anomsdk: 16 bytes, or the 11 bytes of their compact form, both layouts. Encoder and decoder
 * of the downlink of 3 bytes that puts an alarm level in force on a device.
 *
 * Plain ES5 that depends on nothing. As it is, it is an uplink and a downlink payload formatter of The Things Network
 * v3 and a codec of ChirpStack v4. It is also a script, a CommonJS module, and, as anomsdk-event.mjs, an ES module.
 *
 *     decodeUplink({bytes: [...], fPort: 1})   -> {data: {...}, warnings: [], errors: []} or {errors: ["..."]}
 *     decodeEvent([...])                       -> {...}, the fields of one event; throws an Error where it is none
 *     encodeDownlink({data: {level_tag: 3, plan_tag: "cdab"}})
 *                                              -> {bytes: [3, 205, 171], fPort: 1, warnings: [], errors: []}
 *                                                 or {errors: ["..."]}
 *     decodeDownlink({bytes: [3, 205, 171]})   -> {data: {level_tag: 3, plan_tag: "cdab"}, warnings: [], errors: []}
 *                                                 or {errors: ["..."]}
 *
 * A payload of 16 or 11 bytes is one event, and `data` holds its fields. A payload of 32, 48, ... bytes is several
 * events of 16 bytes, and `data` is {events: [{...}, ...]}; if one of them is bad, all are refused. All events have the
 * same fields; null: an event of this kind or form does not carry it. The fields are those of `anomsdk decode --jsonl`,
 * see docs/reference/events-by-radio.md, and the bytes are described in docs/spec.md.
 *
 * The plan_tag of a downlink is that of an event of 16 bytes: the first 4 hexadecimal digits of the plan's id. fPort of
 * what comes in is not looked at; encodeDownlink returns the fPort that it is given, 1 to 223, or 1 without one. */
var anomsdkEvent = (function () {
  "use strict";

  var KINDS = [null, "anomaly", "technical", "heartbeat", "operator", "restart", "repeat", "level"];
  var STATES = ["normal", "pending", "alarm", "prealarm", "acknowledged", "returned, unacknowledged"];
  var CONDITIONS = [
    null, "stuck", "flat", "repeated", "clipped", "below the noise floor", "step", "dead axis", "not gravity", "gaps",
    "missing", "rate", "not worn", "warm-up", "self-test failed", "supply"
  ];
  var INPUTS = [
    null, "acknowledged", "silenced", "silence over", "cancelled", "out of service", "in service", "test"
  ];
  var BEGINNINGS = ["anew", "restored from a record", "anew, as the record was refused"];
  var NEWS = [
    null, "level certified", "no level certified, more days needed", "promise broken", "level set",
    "no level keeps the promise"
  ];
  var HEALTH_BITS = [
    "stuck or flat or repeated", "clipped", "below the noise floor", "step or dead axis or not gravity",
    "gaps or missing or rate", "not worn", "warm-up or learning or self-test failed", "supply"
  ];
  var GROUPS = {
    1: "low bands", 2: "mid bands", 3: "high bands", 4: "loudness", 5: "impulses", 16: "magnitude",
    17: "dynamic acceleration", 18: "jerk", 19: "posture", 20: "rhythm", 21: "slow motion", 22: "mid motion",
    23: "fast motion", 24: "rotation", 25: "motion x", 26: "motion y", 27: "motion z", 28: "day total",
    29: "hours of day", 30: "day rhythm", 31: "day phase", 32: "quiet hours", 33: "busy hours", 34: "last hours",
    35: "trend", 48: "part 1", 49: "part 2", 50: "part 3", 51: "part 4", 52: "part 5", 53: "part 6", 54: "part 7",
    55: "part 8", 56: "part 9", 57: "part 10", 58: "part 11", 59: "part 12", 60: "part 13", 61: "part 14",
    62: "part 15", 63: "part 16"
  };
  var DIRECTIONS = ["changed", "high", "low", "unsteady"];
  var ANOMALY = 1, TECHNICAL = 2, HEARTBEAT = 3, OPERATOR = 4, RESTART = 5, LEVEL = 7;
  var NORMAL = 0, ALARM = 2, RETURNED = 5;
  var BYTES = 16, COMPACT_BYTES = 11, DOWNLINK_BYTES = 3;
  var MAX_LEVEL_TAG = 24, PORT = 1, MAX_PORT = 223;

  function fail(what, of) {
    throw new Error((of || "event") + ": " + what);
  }

  function isWhole(value, least, most) {
    return typeof value === "number" && value >= least && value <= most && value % 1 === 0;
  }

  function number(bytes, at, n) {
    var value = 0;
    while (n-- > 0) value = value * 256 + bytes[at + n];
    return value;
  }

  function hex(bytes, at) {
    var text = "";
    for (; at < bytes.length; at++) text += (bytes[at] < 16 ? "0" : "") + bytes[at].toString(16);
    return text;
  }

  function known(table, code, what) {
    if (code >= table.length || table[code] === null) fail(what + " " + code + " is unknown");
    return table[code];
  }

  function checked(bytes, of) {
    var i;
    if (!bytes || typeof bytes !== "object" || typeof bytes.length !== "number") {
      fail("bytes are no list of integers", of);
    }
    for (i = 0; i < bytes.length; i++) {
      if (!isWhole(bytes[i], 0, 255)) fail("byte " + i + " is no integer from 0 to 255", of);
    }
    return bytes;
  }

  function reasonWord(reason, warnings) {
    var code = reason & 63, name = GROUPS[code];
    if (name === undefined) {
      name = "group " + code;
      warnings.push("reason " + code + " is a group that this decoder does not know; take the decoder of a later version");
    }
    return name + " " + DIRECTIONS[reason >> 6];
  }

  function scoreOf(log2Q8) {
    return log2Q8 === 0 ? 0 : Math.min(Math.round(Math.pow(2, log2Q8 / 256)), 4294967295);
  }

  /* Fields of one event; what is odd in it is added to warnings. */
  function fieldsOf(bytes, warnings) {
    var n = checked(bytes).length;
    if (n !== BYTES && n !== COMPACT_BYTES) fail(n + " bytes, not " + BYTES + " or " + COMPACT_BYTES);
    var compact = n === COMPACT_BYTES, layout = bytes[0] >> 4, kind = bytes[0] & 15, state = bytes[1] & 7;
    var i, flags = [], healthWords = [], reasons = [], second = layout === 2;
    if (layout !== 1 && !second) fail("version " + layout + " is neither 1 nor 2");
    if (kind < ANOMALY || kind > (second ? LEVEL : ANOMALY)) fail("kind " + kind + " is unknown");
    if (state > (second ? RETURNED : ALARM)) fail("state " + state + " is unknown");

    var log2Q8 = compact ? bytes[7] * 32 : number(bytes, 8, 2);
    var health = bytes[compact ? 8 : 10], code = bytes[compact ? 9 : 11], active = null, share = null;
    var marked = second && (bytes[1] & 64) !== 0;
    var condition = null, input = null, restart = null, promise = null, argument = null;
    if (kind === TECHNICAL) {
      active = compact ? code >> 7 === 1 : bytes[12] === 1;
      condition = known(CONDITIONS, compact ? code & 127 : code, "technical condition");
    } else if (kind === OPERATOR) {
      input = known(INPUTS, code, "operator input");
    } else if (kind === RESTART) {
      restart = known(BEGINNINGS, code, "beginning");
    } else if (kind === LEVEL) {
      if (code >= NEWS.length || NEWS[code] === null) fail("news " + code + " of a level is unknown");
      promise = NEWS[code];
      argument = compact ? null : bytes[12];
    } else if (kind === HEARTBEAT) {
      share = Math.round((compact ? code / 255 : number(bytes, 11, 2) / 65535) * 1000000) / 1000000;
    } else if (kind === ANOMALY) {
      for (i = 0; i < (compact ? 1 : second ? 2 : 3); i++) {
        code = bytes[(compact ? 9 : 11) + i];
        if (code & 63) reasons.push(reasonWord(code, warnings));
      }
    }
    if (bytes[1] & (second ? 128 : 64)) flags.push("high");
    if (second && bytes[1] & 8) flags.push("latched");
    if (second && bytes[1] & 16) flags.push("silenced");
    if (second && bytes[1] & 32) flags.push("out of service");
    if (marked) flags.push(kind === OPERATOR ? "test" : "escalated");
    for (i = 0; i < 8; i++) {
      if (health >> i & 1) healthWords.push(HEALTH_BITS[i]);
    }
    return {
      layout: layout,
      compact: compact,
      kind: KINDS[kind],
      state: STATES[state],
      flags: flags,
      raised: kind === ANOMALY && state === ALARM && !marked,
      cleared: kind === ANOMALY && (state === NORMAL || state === RETURNED) && !marked,
      escalated: kind === ANOMALY && marked,
      sequence: number(bytes, 2, 2),
      hop: number(bytes, 4, compact ? 3 : 4),
      score: scoreOf(log2Q8),
      score_log2: log2Q8 / 256,
      health: health,
      health_words: healthWords,
      reasons: reasons,
      condition: condition,
      active: active,
      input: input,
      restart: restart,
      promise: promise,
      argument: argument,
      judged_share: share,
      level_tag: compact || !second ? null : bytes[13],
      plan_tag: hex(bytes, compact ? 10 : 14),
      event: hex(bytes, 0)
    };
  }

  function decodeEvent(bytes) {
    return fieldsOf(bytes, []);
  }

  function decodeUplink(input) {
    var bytes = input && input.bytes, warnings = [], events = [], n, at, i, part, where = "";
    try {
      n = checked(bytes).length;
      if (n <= BYTES || n % BYTES !== 0) return { data: fieldsOf(bytes, warnings), warnings: warnings, errors: [] };
      for (at = 0; at < n; at += BYTES) {
        where = "event " + (at / BYTES + 1) + " of " + n / BYTES + ": ";
        part = [];
        for (i = 0; i < BYTES; i++) part.push(bytes[at + i]);
        events.push(fieldsOf(part, warnings));
      }
      return { data: { events: events }, warnings: warnings, errors: [] };
    } catch (error) {
      return { errors: [where + error.message] };
    }
  }

  function encodeDownlink(input) {
    var data = input && input.data, port = input && input.fPort;
    try {
      if (!data || typeof data !== "object") fail("data is no object with level_tag and plan_tag", "downlink");
      if (!isWhole(data.level_tag, 0, MAX_LEVEL_TAG)) {
        fail("level_tag is no whole number from 0 to " + MAX_LEVEL_TAG, "downlink");
      }
      if (typeof data.plan_tag !== "string" || !/^[0-9a-fA-F]{4}$/.test(data.plan_tag)) {
        fail("plan_tag is no text of 4 hexadecimal digits, with which the plan's id begins", "downlink");
      }
      if (port === undefined || port === null || port === 0) port = PORT;
      if (!isWhole(port, 1, MAX_PORT)) fail("fPort is no whole number from 1 to " + MAX_PORT, "downlink");
      return {
        bytes: [data.level_tag | 0, parseInt(data.plan_tag.slice(0, 2), 16), parseInt(data.plan_tag.slice(2), 16)],
        fPort: port,
        warnings: [],
        errors: []
      };
    } catch (error) {
      return { errors: [error.message] };
    }
  }

  function decodeDownlink(input) {
    var bytes = input && input.bytes;
    try {
      if (checked(bytes, "downlink").length !== DOWNLINK_BYTES) {
        fail(bytes.length + " bytes, not " + DOWNLINK_BYTES, "downlink");
      }
      if (bytes[0] > MAX_LEVEL_TAG) fail("level tag " + bytes[0] + " is not from 0 to " + MAX_LEVEL_TAG, "downlink");
      return { data: { level_tag: bytes[0], plan_tag: hex(bytes, 1) }, warnings: [], errors: [] };
    } catch (error) {
      return { errors: [error.message] };
    }
  }

  return {
    decodeEvent: decodeEvent,
    decodeUplink: decodeUplink,
    encodeDownlink: encodeDownlink,
    decodeDownlink: decodeDownlink
  };
}());

function decodeUplink(input) {
  return anomsdkEvent.decodeUplink(input);
}

function decodeEvent(bytes) {
  return anomsdkEvent.decodeEvent(bytes);
}

function encodeDownlink(input) {
  return anomsdkEvent.encodeDownlink(input);
}

function decodeDownlink(input) {
  return anomsdkEvent.decodeDownlink(input);
}

if (typeof module !== "undefined" && module && module.exports) {
  module.exports = {
    decodeUplink: decodeUplink,
    decodeEvent: decodeEvent,
    encodeDownlink: encodeDownlink,
    decodeDownlink: decodeDownlink
  };
}
