{{- define "hubkeeper.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* At most 50 characters: the longest suffix that is added to it has 10. */}}
{{- define "hubkeeper.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains (include "hubkeeper.name" .) .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "hubkeeper.name" .) | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "hubkeeper.selectorLabels" -}}
app.kubernetes.io/name: {{ include "hubkeeper.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "hubkeeper.labels" -}}
{{ include "hubkeeper.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end -}}

{{- define "hubkeeper.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "hubkeeper.fullname" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end -}}

{{- define "hubkeeper.leaseName" -}}
{{- .Values.lease.name | default (include "hubkeeper.fullname" .) -}}
{{- end -}}

{{- define "hubkeeper.image" -}}
{{- $repository := required "image.repository must be set: no image is published yet, see \"Install in a cluster\" in the README" .Values.image.repository -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" $repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" $repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{/* The kinds, as RBAC names them. */}}
{{- define "hubkeeper.resources" -}}
[accounts, approvals, controlpolicies, exceptionpolicies, findingexceptions, securityhubs]
{{- end -}}

{{/* Their status. */}}
{{- define "hubkeeper.statuses" -}}
[accounts/status, approvals/status, controlpolicies/status, exceptionpolicies/status, findingexceptions/status, securityhubs/status]
{{- end -}}
