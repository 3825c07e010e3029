//! What to do about a read that is not cached.

use larder_core::BypassReason;

/// Begins or whole texts of reasons, as larder-sql and larder-core give them.
const REMEDIES: [(&str, &str); 21] = [
    (
        "operation not in the policy",
        "add the operation to the model's `ops(..)` or the policy's operations",
    ),
    (
        "policy says never",
        "one of its tables is marked `never`; take that back if it was not meant",
    ),
    (
        "policy without a ttl",
        "give the policy a ttl, or the builder a default policy with one",
    ),
    ("ttl is zero", "ask for a ttl above zero"),
    (
        "catalog not loaded",
        "let the wrapped connection read its schema: the first query does, unless the session may \
         not read the catalog or `.source(..)` is missing",
    ),
    (
        "name a scope",
        "row-level security applies: name the tenant with `.scope(..)`",
    ),
    ("the function now ", CLOCK),
    ("the function current_", CLOCK),
    ("the function clock_timestamp ", CLOCK),
    (
        "the function random ",
        "an answer by chance is for the application to draw",
    ),
    (
        "the function ",
        "if it depends on nothing but its arguments, list it by `FunctionLists` on the builder, or \
         compute the value in the application and bind it",
    ),
    (
        "a literal may mean the current moment",
        "bind the moment as a parameter, rounded to what the answer needs",
    ),
    (
        "a cast may mean the current moment",
        "bind the moment as a parameter, rounded to what the answer needs",
    ),
    (
        "a parameter names the current moment",
        "bind the moment itself, rounded to what the answer needs",
    ),
    (
        "the query locks rows",
        "a locking read is for a transaction; without the lock it can be cached",
    ),
    ("more than one statement", "send the statements one by one"),
    (
        "more dependencies than an entry may have",
        "ask for fewer values at a time, or raise `dependencies_max`",
    ),
    (
        "a parameter cannot be written down exactly",
        "bind a value of another type",
    ),
    (
        "quotes depend on a sql_mode",
        "set a sql_mode that the catalog shows, and wrap the connection after that",
    ),
    (
        "the text could not be parsed",
        "larder's parser does not know this syntax; the query runs as it is",
    ),
    (
        "a variable or a named parameter is read",
        "bind the value as a parameter",
    ),
];

const CLOCK: &str = "take the moment in the application, rounded to what the answer needs, and \
                     bind it: it is then part of what is asked, and each moment has a result of its own";

pub(super) fn of(reason: &BypassReason) -> Option<&'static str> {
    Some(match reason {
        BypassReason::Disabled => {
            "`larder.enable()`, and neither `.enabled(false)` nor `LARDER_ENABLED=false`"
        }
        BypassReason::NoPolicy => {
            "derive `Cacheable` with `#[larder(ttl = \"15m\")]` for the first table's model, give \
             that table a policy, or ask for it with `.cached().ttl(..)`"
        }
        BypassReason::Transaction => "read before the transaction begins or after it has ended",
        BypassReason::Session => {
            "a statement has changed the session; set it up before the connection is wrapped"
        }
        BypassReason::Replica => "read from the primary once; what that stores answers here too",
        BypassReason::Dependencies => {
            "ask for fewer values at a time, or raise `dependencies_max` of the limits"
        }
        BypassReason::Uncertain => "wait: its outcome shows, or `uncertain_for` ends",
        BypassReason::Undelivered | BypassReason::Unavailable | BypassReason::Fault => {
            "see to the store; the observer has its faults"
        }
        BypassReason::Uncacheable(reason) => {
            let text = &*reason.0;
            let known = REMEDIES.iter().find(|(begin, _)| text.starts_with(begin));
            known.map(|(_, remedy)| *remedy)?
        }
        _ => return None,
    })
}
