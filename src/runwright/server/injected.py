"""What an endpoint may ask for in its signature."""

from uuid import UUID

from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, SkipValidation

from runwright.server.auth import Access, Authenticator
from runwright.server.keys import Principal
from runwright.server.wiring import Wiring

Wired = NamedDependency[SkipValidation[Wiring]]
#: Who asks, as the guard found out.
Asker = NamedDependency[SkipValidation[Principal]]
#: What it was let in by: streams ask it again.
Admission = NamedDependency[SkipValidation[Access]]
Doorkeeper = NamedDependency[SkipValidation[Authenticator]]
PathId = FromPath[UUID]
PathName = FromPath[str]
QueryId = FromQuery[UUID]
QueryText = FromQuery[str]
