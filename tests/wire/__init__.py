"""How to stage each adapter against a loopback server, so that one table can drive them all.

`tests/wire/<adapter>/rig.py` has

    KEY       what is sent as the key (None where the adapter takes none); must never be seen again
    MODEL     a model of the entry below
    PLACES    where a row of answers.yaml may stand, by its `at`: requests as "METHOD /path"; `asked`
              is the one that asks for the picture, and costs
    INLINE    whether the picture travels inside the answer to the request that asks for it
    entry(url, **more) -> Entry
              an entry that points at `url`, complete with the adapter's TRAITS, MODEL at price 0
              unless `more` says otherwise, timeout 5 s
    stage(asked=None, picture=None) -> Answers
              what the server answers: all goes well, but for the request that asks for the
              picture, which is answered by `asked`, or for the picture itself, which travels as
              `picture` says (its body are the raw bytes; an inline rig wraps them as the vendor
              does; status, headers and fault stay)

and, where the adapter does not speak HTTP, `serve(answers)` in place of `tests.loopback.serve`.
"""
