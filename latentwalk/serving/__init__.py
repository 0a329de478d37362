"""A model behind an address: an HTTP application on runs, which other rooms may add routes to.

    application  the FastAPI application, of runs and limits
    served       a run as it is served: its model, each use of it in one thread, its data when that is asked for
    lanes        threads with bounded queues; small requests are done together
    gate         what every request has to pass: host, token, origin, type and size; what every answer carries
    bodies       what requests bring: JSON, arrays, pictures, tables
    answers      what they are answered: the same, by Accept; problems (RFC 9457)
    routes/      who asks in which words
    socket       a bound address, time-outs of connections, the end of a server

Needs the packages of latentwalk[studio].
"""
