# One small image for every platform: see docs/operations.md, "The image".
#
# There is no syntax line and no cache mount: some platforms' builders have no registry to fetch the one from, or know no
# cache. Where BuildKit is away, TARGETARCH is empty and the image is of the builder's own architecture.
FROM --platform=$BUILDPLATFORM docker.io/library/golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETARCH
ARG VERSION=dev
ARG COMMIT
ARG DATE
# With every time the same, the same source makes the same layer.
RUN CGO_ENABLED=0 GOOS=linux GOARCH=$TARGETARCH internal/build.sh build -o /image/osp ./cmd/osp && \
    mkdir -p /image/etc/ssl/certs /image/go/lib/time /image/tmp && \
    cp /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ && \
    cp "$(go env GOROOT)/lib/time/zoneinfo.zip" /image/go/lib/time/ && \
    chmod 1777 /image/tmp && \
    find /image -exec touch -d '2026-01-01 00:00:00' {} +

FROM scratch
COPY --from=build /image/ /
# Below GOROOT is where Go looks for time zones, whether TZ or the program names them; ZONEINFO would be for the latter only.
ENV GOROOT=/go
# Any other user will do as well, and a read-only root: osp writes no file but SQLite's.
USER 65532:65532
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=5s CMD ["/osp", "healthcheck"]
ENTRYPOINT ["/osp"]
# run does what ROLE says, for platforms where the command cannot be set.
CMD ["run"]

ARG VERSION=dev
ARG COMMIT
ARG DATE
LABEL org.opencontainers.image.title="osp" \
      org.opencontainers.image.description="Runs OSP tasks so that they finish or are undone" \
      org.opencontainers.image.version=$VERSION \
      org.opencontainers.image.revision=$COMMIT \
      org.opencontainers.image.created=$DATE
